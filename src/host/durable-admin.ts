import { join } from "node:path";
import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import { AgentrtError } from "../core/errors.ts";
import type { TopicPattern } from "../core/topic-pattern.ts";
import type { DeadRecordWithBatch } from "../store/log/dead-records.ts";
import type { MessageLog } from "../store/log/message-log.ts";
import {
  DURABLE_CALLS,
  type DurableAnswerInit,
  type DurableCall,
  type DurableRequest,
  decodeDurableRequest,
  encodeDurableAnswer,
  methodNameOf,
} from "../wire/durable-admin/codec.ts";
import { decodeSchedule, encodeScheduleFacts } from "../wire/durable-admin/schedules.ts";
import { toStatus } from "../wire/grpc-status.ts";
import {
  batchAnswer,
  damagedAnswer,
  deadAnswer,
  declarationAnswer,
  declarationOfRequest,
  patternOfRequest,
  positionOfRequest,
} from "./durable-admin-answers.ts";
import type { DurableAdminParts } from "./durable-admin-parts.ts";
import { assertHeadersFit, type HeaderLimits } from "./header-limits.ts";
import { readPage } from "./read-page.ts";
import { recordAlone, replayOf } from "./replayed-record.ts";

/** Dead records in one answer; each is a few hundred bytes. */
const MAX_DEAD = 1_000;
/** Schedules in one answer; of the same size. */
const MAX_SCHEDULES = 1_000;
/** One name of a folder that is nowhere else than in the folder of backups. */
const BACKUP_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const EVERYTHING: readonly TopicPattern[] = [{ kind: "prefix", text: "" }];

export interface DurableAdminOptions extends HeaderLimits {
  /** Undefined when the host has no data folder. */
  readonly durable: DurableAdminParts | undefined;
  /** An answer is kept below this. */
  readonly maxMessageBytes: number;
  /** Told of each call, by the peer's `host:port`. */
  readonly onCall: (peer: string) => void;
}

type Handlers = {
  readonly [C in DurableCall]: (
    request: DurableRequest<C>,
    parts: DurableAdminParts,
  ) => Promise<DurableAnswerInit<C>>;
};

/** The handlers of agentrt's own service for those who look after durable topics. */
export function createDurableAdmin(options: DurableAdminOptions): UntypedServiceImplementation {
  const handlers = handlersFor(options);
  const serve = <C extends DurableCall>(call: C): handleUnaryCall<Uint8Array, Uint8Array> => {
    const handle: Handlers[C] = handlers[call];
    const answer = async (bytes: Uint8Array): Promise<Uint8Array> =>
      encodeDurableAnswer(
        call,
        await handle(decodeDurableRequest(call, bytes), partsOf(options.durable)),
      );
    return (unary, reply) => {
      options.onCall(unary.getPeer());
      answer(unary.request).then(
        (bytes) => reply(null, bytes),
        (thrown: unknown) => reply(toStatus(AgentrtError.from(thrown))),
      );
    };
  };
  return Object.fromEntries(DURABLE_CALLS.map((call) => [methodNameOf(call), serve(call)]));
}

function partsOf(durable: DurableAdminParts | undefined): DurableAdminParts {
  if (durable === undefined) {
    throw new AgentrtError(
      "DURABLE_NEEDS_DATA",
      "The host has no folder to store messages in. Start it with --data DIR to have durable topics.",
    );
  }
  return durable;
}

function handlersFor(limits: DurableAdminOptions): Handlers {
  const { maxMessageBytes } = limits;
  return {
    setTopic: async ({ declaration }, { topics }) => {
      await topics.put(declarationOfRequest(declaration));
      return {};
    },
    listTopics: async (_request, { log }) => ({
      declarations: (await log.listTopics()).map(declarationAnswer),
    }),
    removeTopic: async (request, { topics }) => ({
      wasThere: await topics.remove(patternOfRequest(request.topics)),
    }),
    setSchedule: async ({ schedule }, { schedules }) => {
      const request = decodeSchedule(schedule);
      assertHeadersFit({ kind: "event", headers: request.headers }, limits);
      return { nextAtMs: BigInt(await schedules.put(request, Date.now())) };
    },
    listSchedules: async ({ after }, { schedules }) => {
      const behind = schedules.list().filter(({ name }) => name > after);
      const page = behind.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MAX_SCHEDULES);
      return { schedules: page.map(encodeScheduleFacts) };
    },
    removeSchedule: async ({ name }, { schedules }) => ({ wasThere: await schedules.remove(name) }),
    listDead: async ({ limit, before }, { log }) => {
      const dead = await log.listDead({
        limit: limit === 0 ? MAX_DEAD : Math.min(limit, MAX_DEAD),
        before: before === 0n ? undefined : positionOfRequest(before, "before"),
      });
      return { dead: dead.map(deadAnswer) };
    },
    showDead: async ({ id }, { log }) => {
      const shown = await log.showDead(positionOfRequest(id, "id"));
      if (shown?.batch === undefined) {
        return shown === undefined ? {} : { dead: deadAnswer(shown.dead) };
      }
      const alone = recordAlone(shown.batch, shown.index);
      return { dead: deadAnswer(shown.dead), batch: batchAnswer(alone) };
    },
    replayDead: async (request, { log, onAppended }) => {
      const id = positionOfRequest(request.id, "id");
      const shown = await log.showDead(id);
      const batch = batchOf(shown, id);
      const replay = replayOf(batch.shown, batch.batch, Date.now());
      const position = await log.replayDead(id, replay);
      if (position === undefined) {
        throw noSuchDead(id);
      }
      onAppended();
      return { position: BigInt(position) };
    },
    dropDead: async ({ ids }, { log }) => ({
      dropped: await log.dropDead(ids.map((id) => positionOfRequest(id, "ids"))),
    }),
    read: async ({ from, topics, maxBytes }, { log }) => {
      const half = Math.floor(maxMessageBytes / 2);
      const request = {
        patterns: topics.length === 0 ? EVERYTHING : topics.map(patternOfRequest),
        from:
          from.case === "timeMs"
            ? await positionAt(log, positionOfRequest(from.value, "time_ms"))
            : Math.max(1, positionOfRequest(from.value ?? 1n, "position")),
        maxBytes: maxBytes === 0 ? half : Math.min(maxBytes, half),
      };
      return await readPage(log, request, maxMessageBytes);
    },
    getFacts: async (_request, { log }) => {
      const facts = await log.facts();
      return {
        nextPosition: BigInt(facts.nextPosition),
        firstPosition: BigInt(facts.firstPosition),
        batches: BigInt(facts.batches),
        records: BigInt(facts.records),
        recordBytes: BigInt(facts.recordBytes),
        damagedRanges: BigInt(facts.damagedRanges),
        bytesOnDisk: BigInt(facts.bytesOnDisk),
        deadRecords: BigInt(facts.deadRecords),
        deadDropped: BigInt(facts.deadDropped),
      };
    },
    check: async (_request, { log }) => {
      const report = await log.check();
      return {
        isSound: report.isSound,
        batches: BigInt(report.batches),
        records: BigInt(report.records),
        structure: [...report.structure],
        isMended: report.isMended,
        damaged: report.damaged.map(damagedAnswer),
      };
    },
    backup: async ({ name }, { log, backupFolder }) => {
      if (!BACKUP_NAME.test(name)) {
        throw new AgentrtError(
          "INVALID_OPTION",
          "The name of a backup is letters, digits, dots, hyphens and underlines, such as monday. The host keeps it in its own data folder.",
        );
      }
      const folder = join(backupFolder, name);
      const { bytes } = await log.backup(folder);
      return { folder, bytes: BigInt(bytes) };
    },
    compact: async (_request, { log }) => {
      const { bytesBefore, bytesAfter } = await log.compact();
      return { bytesBefore: BigInt(bytesBefore), bytesAfter: BigInt(bytesAfter) };
    },
  };
}

/** Before everything that is there, it is the beginning: what was removed may have been stored then or later. */
async function positionAt(log: MessageLog, timeMs: number): Promise<number> {
  const position = await log.positionAt(timeMs);
  const { firstPosition } = await log.facts();
  return position <= firstPosition ? 1 : position;
}

function batchOf(
  shown: DeadRecordWithBatch | undefined,
  id: number,
): { shown: DeadRecordWithBatch; batch: NonNullable<DeadRecordWithBatch["batch"]> } {
  if (shown === undefined) {
    throw noSuchDead(id);
  }
  const { batch } = shown;
  if (batch === undefined) {
    throw new AgentrtError(
      "NOT_STORED",
      `The message of dead record ${id} was not stored any more when it was given up, so it cannot be replayed. Drop it.`,
      { data: { id } },
    );
  }
  return { shown, batch };
}

function noSuchDead(id: number): AgentrtError {
  return new AgentrtError(
    "NOT_STORED",
    `There is no dead record ${id}. "agentrt dead list" shows those that there are.`,
    { data: { id } },
  );
}
