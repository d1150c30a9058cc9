import type { EventEnvelope } from "../core/envelope.ts";
import { willMetadata } from "../wire/autogen/last-will.ts";
import type { MessageTypes } from "./message-types.ts";
import { eventFor } from "./outgoing.ts";
import type { LastWill } from "./worker-options.ts";

/**
 * The event that a worker leaves with its host, or undefined.
 * @throws AgentrtError `UNTYPED_MESSAGE`, `INVALID_MESSAGE`, `TOO_LARGE`: now, where the mistake is,
 *   rather than at each attempt to connect
 */
export function lastWillEvent(
  lastWill: LastWill | undefined,
  messageTypes: MessageTypes,
): EventEnvelope | undefined {
  if (lastWill === undefined) {
    return undefined;
  }
  const payload = messageTypes.encode(lastWill.message);
  const will = eventFor(lastWill.topic, payload, lastWill.options ?? {});
  willMetadata(will);
  return will;
}
