import { AgentrtError } from "../../core/errors.ts";
import { matchesAnyPattern } from "../../core/topic-pattern.ts";
import { assertLegal } from "./batch-table.ts";
import type { WriteCalls } from "./log-calls.ts";
import { type LogParts, oldestOf } from "./log-parts.ts";
import {
  type Appended,
  type CursorRequest,
  type CursorStart,
  type LogBatch,
  type StoredCursor,
  WAITING,
} from "./message-log.ts";

/** The calls that change a log, each to be run inside a transaction. */
export function makeWrites(parts: LogParts): WriteCalls {
  const { cursors, dead, topics, schedules, waiting, now } = parts;
  return {
    append: (_, batches) => batches.map((batch) => append(parts, batch)),
    openCursor: ({ name, ...request }) => openCursor(parts, name, request),
    removeCursor: ({ name }) => cursors.remove(name),
    commit: ({ cursors: updates, dead: given = [] }) => {
      for (const record of given) {
        dead.add(record, now());
      }
      if (given.length > 0) {
        dead.keepWithinLimits();
      }
      for (const update of updates) {
        cursors.update(update);
      }
    },
    putTopic: (declaration) => topics.put(declaration),
    removeTopic: (pattern) => topics.remove(pattern),
    replayDead: ({ id }, [batch]) => (batch === undefined ? undefined : replay(parts, id, batch)),
    dropDead: ({ ids }) => dead.drop(ids),
    moveDue: ({ nowMs }) => waiting.moveDue(nowMs, now()),
    putSchedule: (schedule) => schedules.put(schedule),
    removeSchedule: ({ name }) => schedules.remove(name),
    fireSchedule: ({ name, dueAtMs, nextAtMs, firing }) =>
      schedules.fire(name, dueAtMs, nextAtMs, firing, now()),
  };
}

/** @throws AgentrtError `INVALID_MESSAGE`, `INVALID_OPTION` */
function append({ words, seen, batches, waiting, now }: LogParts, batch: LogBatch): Appended {
  assertLegal(batch);
  const producerId = words.producerId(batch.producer);
  const known = seen.positionOf(producerId, batch);
  if (known !== undefined) {
    return { position: known, isDuplicate: true };
  }
  if (batch.deliverAtMs !== undefined && batch.deliverAtMs > now()) {
    waiting.add(batch, batch.deliverAtMs);
    seen.addWaiting(producerId, batch, WAITING, now());
    return { position: WAITING, isDuplicate: false };
  }
  const position = batches.insert(batch, now());
  seen.add(producerId, batch, position, now());
  return { position, isDuplicate: false };
}

/** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` when nobody would get it; as {@link append} */
function replay(parts: LogParts, id: number, batch: LogBatch): number | undefined {
  const { dead, cursors } = parts;
  const cursor = dead.cursorOf(id);
  if (cursor === undefined) {
    return undefined;
  }
  const { patterns = [] } = cursors.get(cursor, 1) ?? {};
  if (!matchesAnyPattern(patterns, batch.topicType)) {
    throw new AgentrtError(
      "NO_SUCH_SUBSCRIPTION",
      `"${cursor}" gave dead record ${id} up, and is not subscribed to ${batch.topicType} any more, so nobody would get it. Let it subscribe first, or drop the record.`,
      { data: { id, subscription: cursor } },
    );
  }
  dead.drop([id]);
  return append(parts, { ...batch, deliverAtMs: undefined }).position;
}

/** What was appended of batches before, when that is all of them. Changes nothing, so it needs no transaction. */
export function appendedBefore(
  { words, seen }: LogParts,
  batches: readonly LogBatch[],
): readonly Appended[] | undefined {
  const known = batches.flatMap((batch): Appended[] => {
    const producerId = words.knownProducerId(batch.producer);
    const position = producerId === undefined ? undefined : seen.positionOf(producerId, batch);
    return position === undefined ? [] : [{ position, isDuplicate: true }];
  });
  return known.length === batches.length ? known : undefined;
}

function openCursor(
  parts: LogParts,
  name: string,
  { patterns, start }: CursorRequest,
): StoredCursor {
  const known = parts.cursors.get(name, oldestOf(parts));
  const state = known?.state ?? { floor: positionOf(parts, start), done: [], attempts: [] };
  const isSame = known !== undefined && JSON.stringify(known.patterns) === JSON.stringify(patterns);
  if (!isSame || known.wasDamaged) {
    parts.cursors.put(name, patterns, state);
  }
  return { name, patterns, state, wasDamaged: known?.wasDamaged ?? false };
}

function positionOf(parts: LogParts, start: CursorStart): number {
  switch (start.at) {
    case "first":
      return oldestOf(parts);
    case "next":
      return parts.tail.next;
    case "position":
      return Math.max(1, start.position);
    case "time":
      return parts.reader.positionAt(start.timeMs);
    default:
      return start satisfies never;
  }
}
