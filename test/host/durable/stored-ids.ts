import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { eventsOf } from "../../../src/wire/link/batched-event.ts";
import { decodeStoredRoute } from "../../../src/wire/link/stored-route.ts";

/** The ids of all messages that a log holds, in its order. */
export async function eventIds(log: MessageLog): Promise<readonly string[]> {
  const patterns = [{ kind: "prefix", text: "" }] as const;
  const { batches } = await log.read({ patterns, from: 1, maxBatches: 1_000, maxBytes: 2 ** 30 });
  return batches.flatMap((batch) => {
    const { position, sequence, count, records } = batch;
    const route = decodeStoredRoute(batch);
    return eventsOf({ kind: "batch", route, sequence, position, count, records }).map(
      ({ id }) => id,
    );
  });
}
