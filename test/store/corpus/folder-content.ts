/** All that is in the data folders of the corpus, as plain JSON: what is kept beside them, and compared. */
import { AgentId } from "../../../src/core/agent-id.ts";
import type { MessageLog, StoredBatch } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { openSqliteStore } from "../../../src/store/sqlite-store.ts";
import { eventsOf } from "../../../src/wire/link/batched-event.ts";
import { decodeStoredRoute } from "../../../src/wire/link/stored-route.ts";

/** Later than everything that waits. */
export const LATER_MS = Date.UTC(2200, 0);
const ALL = [{ kind: "prefix", text: "" }] as const;
const LIMITS = { maxBatches: 100_000, maxBytes: 100_000_000 } as const;

/** @param folder of a host; what waits there comes into the log, so let it be a copy */
export async function contentOfHost(folder: string): Promise<unknown> {
  using store = openSqliteStore(folder);
  await using log = await openMessageLog(folder);
  const { batches, damaged } = await log.read({ patterns: ALL, from: 1, ...LIMITS });
  const dead = await log.listDead({ limit: 100 });
  const content = {
    facts: await log.facts(),
    topics: await log.listTopics(),
    batches: batches.map(contentOf),
    damaged,
    cursors: await log.listCursors(),
    dead: await Promise.all(
      dead.map(async (one) => {
        const { batch } = (await log.showDead(one.id)) ?? {};
        return { ...one, batch: batch && contentOf(batch) };
      }),
    ),
    schedules: (await log.listSchedules()).map(({ batch, ...others }) => ({
      ...others,
      batch: batch && contentOf({ ...batch, position: 0, storedAtMs: 0 }),
    })),
    deadLetters: store.listDeadLetters(100),
    duplicates: await sentAgain(log, batches),
    due: await due(log),
  };
  const { bytesOnDisk: _, ...facts } = content.facts;
  return JSON.parse(JSON.stringify({ ...content, facts }));
}

interface AgentContent {
  readonly agent: string;
  readonly state: unknown;
  readonly handled: unknown;
}

/** @param folder of a worker */
export function contentOfWorker(
  folder: string,
  agents: readonly string[],
): readonly AgentContent[] {
  using store = openSqliteStore(folder);
  return agents.map((agent) => {
    const id = AgentId.parse(agent);
    return {
      agent,
      state: JSON.parse(store.loadState(id) ?? "null"),
      handled: JSON.parse(store.loadHandled?.(id) ?? "null"),
    };
  });
}

function contentOf(batch: StoredBatch): unknown {
  const { route: _, records, position, sequence, count, ...others } = batch;
  const route = decodeStoredRoute(batch);
  const events = eventsOf({ kind: "batch", route, position, sequence, count, records });
  return {
    ...{ position, sequence, count, ...others },
    ...{ sender: `${route.sender ?? ""}`, dataType: route.dataType },
    contentType: route.contentType,
    records: events.map(({ id, headers, data }) => ({
      ...{ id, headers, data: Buffer.from(data).toString() },
    })),
  };
}

/** What its publishers send again is recognised. */
async function sentAgain(log: MessageLog, batches: readonly StoredBatch[]): Promise<unknown> {
  const some = batches.filter(({ producer }) => producer !== "");
  return await Promise.all(some.map(async (batch) => (await log.append([batch]))[0]));
}

async function due(log: MessageLog): Promise<unknown> {
  const { nextPosition } = await log.facts();
  await log.moveDue(LATER_MS);
  const { batches } = await log.read({ patterns: ALL, from: nextPosition, ...LIMITS });
  // When they came into the log is now.
  return batches.map((batch) => contentOf({ ...batch, storedAtMs: 0 }));
}
