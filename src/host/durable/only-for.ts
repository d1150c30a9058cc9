import type { StoredBatch } from "../../store/log/message-log.ts";
import { decodeStoredRoute } from "../../wire/link/stored-route.ts";

/** Numbers the records that are stored again, by the id of the dead one: each at most once. */
export const REPLAYER = "agentrt.replay";

/** True when a stored batch is for an agent type. Only what is replayed names those that it is for. */
export function isForType(batch: StoredBatch, agentType: string): boolean {
  if (batch.producer !== REPLAYER) {
    return true;
  }
  // Of an earlier version, or of a worker that took the name: for all.
  const { receivers } = decodeStoredRoute(batch);
  return receivers.length === 0 || receivers.includes(agentType);
}
