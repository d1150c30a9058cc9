import { matchesAnyPattern } from "../../core/topic-pattern.ts";
import type { Removed } from "./log-care.ts";
import type { LogParts } from "./log-parts.ts";
import type { Step } from "./log-step.ts";
import type { StoredCursor } from "./message-log.ts";
import { declarationOf, type TopicDeclaration } from "./topic-declaration.ts";

/** Batches looked at, and removed, in one step. */
const BATCHES_PER_STEP = 500;

interface Row {
  readonly position: number;
  readonly type_id: number;
  readonly count: number;
  readonly bytes: number;
}

/** What one declared pattern loses. */
interface Tally {
  batches: number;
  records: number;
  bytes: number;
  readonly undelivered: Record<string, number>;
}

/** Removes what declared topics do not keep, the oldest first, and forgets producers that are long silent. */
export async function applyRetention(parts: LogParts, step: Step): Promise<readonly Removed[]> {
  const { topics, seen, dead, options, now } = parts;
  const removed: Removed[] = [];
  const declarations = topics.list();
  for (const declaration of declarations) {
    const tally: Tally = { batches: 0, records: 0, bytes: 0, undelivered: {} };
    const typeIds = typesOf(parts, declarations, declaration);
    let from: number | undefined = 1;
    while (from !== undefined && hasLimit(declaration)) {
      const start: number = from;
      from = await step.transaction(() => removeSome(parts, declaration, typeIds, start, tally));
    }
    if (tally.batches > 0) {
      removed.push({ pattern: declaration.pattern, ...tally });
    }
  }
  while (await step.transaction(() => dead.dropTooOld(now(), BATCHES_PER_STEP))) {
    // The next ones.
  }
  await step.transaction(() => seen.forgetSilent(now(), options.dedupProducerAgeMs));
  return removed;
}

function hasLimit({ retention }: TopicDeclaration): boolean {
  return Object.values(retention).some((limit) => limit !== undefined);
}

/** The topic types that go by this declaration and no other. */
function typesOf(
  { batches, tail }: LogParts,
  declarations: readonly TopicDeclaration[],
  declaration: TopicDeclaration,
): ReadonlySet<number> {
  const ids = new Set<number>();
  for (const [id, type] of batches.types) {
    const isStored = (tail.totals.get(id)?.batches ?? 0) > 0;
    if (isStored && declarationOf(declarations, type) === declaration) {
      ids.add(id);
    }
  }
  return ids;
}

/** @returns where to go on, or undefined when the rest is kept */
function removeSome(
  parts: LogParts,
  { retention }: TopicDeclaration,
  typeIds: ReadonlySet<number>,
  from: number,
  tally: Tally,
): number | undefined {
  const { finder, reader, damaged, database, tail, now } = parts;
  const keepFrom =
    retention.maxAgeMs === undefined ? 0 : reader.positionAt(now() - retention.maxAgeMs);
  const kept = { records: 0, bytes: 0 };
  for (const typeId of typeIds) {
    kept.records += tail.totals.get(typeId)?.records ?? 0;
    kept.bytes += tail.totals.get(typeId)?.bytes ?? 0;
  }
  const isOver = (row: Row): boolean =>
    row.position < keepFrom ||
    kept.records > (retention.maxRecords ?? Number.POSITIVE_INFINITY) ||
    kept.bytes > (retention.maxBytes ?? Number.POSITIVE_INFINITY);
  const rowAt = database.query<Row, [number]>(
    "SELECT position, type_id, count, length(records) AS bytes FROM batches WHERE position = ?",
  );
  const remove = database.query<unknown, [number]>("DELETE FROM batches WHERE position = ?");
  const found = finder.find(typeIds, from, BATCHES_PER_STEP);
  const before = tally.batches;
  const cursors = parts.cursors.list(1);
  let next = found.next < tail.next ? found.next : undefined;
  for (const position of found.positions) {
    const row = damaged.has(position) ? null : rowAt.get(position);
    if (row === null || !typeIds.has(row.type_id)) {
      continue;
    }
    if (!isOver(row)) {
      next = undefined;
      break;
    }
    remove.run(position);
    tail.removed(row.type_id, 1, row.count, row.bytes);
    tail.removesUntil(row.type_id, position + row.count);
    kept.records -= row.count;
    kept.bytes -= row.bytes;
    tally.batches += 1;
    tally.records += row.count;
    tally.bytes += row.bytes;
    countUndelivered(cursors, parts.batches.types.get(row.type_id) ?? "", row, tally);
  }
  if (tally.batches > before) {
    // In the same transaction: what is removed is known from here alone.
    parts.seen.write();
    tail.write();
  }
  return next;
}

function countUndelivered(
  cursors: readonly StoredCursor[],
  topicType: string,
  { position, count }: Row,
  { undelivered }: Tally,
): void {
  const end = position + count;
  for (const { name, patterns, state } of cursors) {
    if (end <= state.floor || !matchesAnyPattern(patterns, topicType)) {
      continue;
    }
    const from = Math.max(position, state.floor);
    let open = end - from;
    for (const [first, last] of state.done) {
      open -= Math.max(0, Math.min(end - 1, last) - Math.max(from, first) + 1);
    }
    if (open > 0) {
      undelivered[name] = (undelivered[name] ?? 0) + open;
    }
  }
}
