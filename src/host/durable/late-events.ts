import type { EventEnvelope } from "../../core/envelope.ts";
import type { MessageLog, StoredBatch } from "../../store/log/message-log.ts";
import { eventsOf } from "../../wire/link/batched-event.ts";
import { decodeStoredRoute } from "../../wire/link/stored-route.ts";

const EVERYTHING = [{ kind: "prefix", text: "" }] as const;
const READ = { maxBatches: 256, maxBytes: 1_024 * 1_024 } as const;

/** The messages of the batches that begin at these positions, which rise. One that is damaged is left out. */
export async function* readLate(
  log: MessageLog,
  positions: readonly number[],
): AsyncGenerator<EventEnvelope> {
  const wanted = new Set(positions);
  const last = positions.at(-1) ?? 0;
  for (let from = positions[0] ?? 1; from <= last; ) {
    const { batches, next } = await log.read({ patterns: EVERYTHING, from, ...READ });
    for (const batch of batches.filter(({ position }) => wanted.has(position))) {
      yield* eventsIn(batch);
    }
    from = next;
  }
}

function eventsIn(batch: StoredBatch): readonly EventEnvelope[] {
  const { position, sequence, count, records } = batch;
  const route = decodeStoredRoute(batch);
  return eventsOf({ kind: "batch", route, sequence, position, count, records });
}
