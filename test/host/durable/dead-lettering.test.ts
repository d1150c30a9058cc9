/** What becomes of a record that is given up while it cannot be stored as dead. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import {
  AgentrtError,
  defineAgent,
  defineMessage,
  type GrpcWorkerAgentRuntime,
  type GrpcWorkerAgentRuntimeHost,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import type { Commit, MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { waitFor } from "../../kit/wait.ts";
import { joinKnowing, startHost } from "../../worker/on-our-host.ts";

setDefaultTimeout(30_000);

const Item = defineMessage("Item", v.object({ number: v.number() }));
const ORDERS = new TopicId("orders", "a");
const join = joinKnowing(Item);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), "agentrt-dead-lettering-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Running extends AsyncDisposable {
  readonly host: GrpcWorkerAgentRuntimeHost;
  readonly log: MessageLog;
  /** Commits with dead records that were refused. */
  readonly refused: () => number;
}

/** A host whose disk takes no dead record as long as `isFull` says so. */
async function open(isFull: () => boolean): Promise<Running> {
  const log = await openMessageLog(folder);
  let refused = 0;
  const messageLog = new Proxy(log, {
    get(target, name: keyof MessageLog) {
      if (name === "commit") {
        return async (commit: Commit): Promise<void> => {
          if (isFull() && (commit.dead ?? []).length > 0) {
            refused += 1;
            throw new AgentrtError("STORE_FULL", "no room");
          }
          await target.commit(commit);
        };
      }
      const value: unknown = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const host = await startHost({ messageLog, durable: ["orders"], durableMaxDeliver: 1 });
  return {
    ...{ host, log, refused: () => refused },
    async [Symbol.asyncDispose]() {
      await host.stop({ drainTimeoutMs: 100 });
      await log.close();
    },
  };
}

/** What an agent was given; it fails the number 1 as long as `isBroken` says so. */
async function collect(
  runtime: GrpcWorkerAgentRuntime,
  isBroken: () => boolean,
): Promise<readonly number[]> {
  const seen: number[] = [];
  const agent = defineAgent({
    description: "collects",
    setup(self) {
      self.handleEvent(Item, ({ number }) => {
        seen.push(number);
        if (number === 1 && isBroken()) {
          throw new Error("not now");
        }
      });
      return {};
    },
  });
  await runtime.registerFactory("collector", agent);
  await runtime.addSubscription(new TypeSubscription("orders", "collector"));
  return seen;
}

async function publish(host: GrpcWorkerAgentRuntimeHost, ...numbers: number[]): Promise<void> {
  await using publisher = await join(host);
  for (const number of numbers) {
    await publisher.publishMessage(Item.of({ number }), ORDERS);
  }
}

test("dead lettering - while it cannot be stored it is tried again, the rest goes on, and it is dead once", async () => {
  let isFull = true;
  await using running = await open(() => isFull);
  const { host, log, refused } = running;
  await using worker = await join(host);
  const seen = await collect(worker, () => true);
  await publish(host, 1, 2);
  await waitFor(() => refused() >= 2 && seen.length === 2, { what: "two refusals" });
  await publish(host, 3);
  await waitFor(() => seen.length === 3, { what: "what comes behind it" });
  expect(await log.listDead({ limit: 9 })).toEqual([]);
  expect((await log.listCursors())[0]?.state.floor).toBe(1);
  isFull = false;
  await waitFor(() => host.report().durable?.dead === 1, { what: "the dead record" });
  expect(await log.listDead({ limit: 9 })).toMatchObject([
    { position: 1, reason: "MAX_DELIVER", lastError: "HANDLER_FAILED: not now", attempts: 1 },
  ]);
  await waitFor(async () => (await log.listCursors())[0]?.state.floor === 4, { what: "the floor" });
  expect(seen).toEqual([1, 2, 3]);
});

test("dead lettering - a host that ends before it was stored delivers it again", async () => {
  {
    await using running = await open(() => true);
    await using worker = await join(running.host);
    const seen = await collect(worker, () => true);
    await publish(running.host, 1);
    await waitFor(() => running.refused() > 0 && seen.length === 1, { what: "a refusal" });
  }
  await using running = await open(() => false);
  expect(await running.log.listDead({ limit: 9 })).toEqual([]);
  await using worker = await join(running.host);
  const seen = await collect(worker, () => false);
  await waitFor(() => seen.length === 1, { what: "the record again" });
  await waitFor(() => running.host.report().durable?.acknowledged === 1, { what: "its end" });
  expect(await running.log.listDead({ limit: 9 })).toEqual([]);
});
