import { EMPTY_PAYLOAD, type EventEnvelope, withHeaders } from "../core/envelope.ts";
import { priorityOf } from "../core/priority.ts";
import {
  AGE_HEADER,
  NO_RECEIVERS,
  RECEIVERS_HEADER,
  RETAIN_HEADER,
  RETAIN_KEY_HEADER,
} from "../core/routing-headers.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { frameOf } from "./delivery.ts";
import type { OutboundFrame } from "./outbox.ts";
import type { Session } from "./session.ts";

/** The event for some of a worker's agent types only. */
export function frameFor(agentTypes: readonly string[], event: EventEnvelope): OutboundFrame {
  const named = withHeaders(event, { ...event.headers, [RECEIVERS_HEADER]: agentTypes.join(",") });
  return frameOf(named, encodeMessage(named), priorityOf(event.headers));
}

/**
 * The age of a value that a worker hands in again; undefined for a fresh event, and for one of a peer
 * that knows nothing of it and has only passed on what it got.
 */
export function handedInAgeMs({ headers }: EventEnvelope, from: Session): number | undefined {
  const age = headers[AGE_HEADER];
  return age !== undefined && from.capabilities.has("hand-in") && /^\d{1,15}$/.test(age)
    ? Number(age)
    : undefined;
}

/** Tells a worker of ours that its value is not the last any more, so that it does not hand it in again. */
export function supersededFrame({ id, topic, sender, headers }: EventEnvelope): OutboundFrame {
  const key = headers[RETAIN_KEY_HEADER];
  const event: EventEnvelope = {
    ...{ kind: "event", id, topic, sender, payload: EMPTY_PAYLOAD },
    headers: {
      [RETAIN_HEADER]: "clear",
      [RECEIVERS_HEADER]: NO_RECEIVERS,
      ...(key === undefined ? {} : { [RETAIN_KEY_HEADER]: key }),
    },
  };
  return frameOf(event, encodeMessage(event), "normal");
}
