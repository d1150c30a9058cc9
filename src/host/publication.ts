import type { EventEnvelope } from "../core/envelope.ts";
import { priorityOf } from "../core/priority.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { frameOf, frameOfBatch } from "./delivery.ts";
import { frameFor } from "./event-frames.ts";
import type { InboundBatch } from "./link/inbound-batch.ts";
import type { OutboundFrame } from "./outbox.ts";

/** What is routed as one: an event, or a batch of them on one route. */
export type Publication = EventEnvelope | InboundBatch;

/** Messages that it stands for. */
export function countOf(publication: Publication): number {
  return publication.kind === "batch" ? publication.count : 1;
}

/** The frame for a worker that no agent types have to be named to. */
export function wholeFrameOf(publication: Publication): OutboundFrame {
  const priority = priorityOf(publication.headers);
  return publication.kind === "batch"
    ? frameOfBatch(publication, priority)
    : frameOf(publication, encodeMessage(publication), priority);
}

/** The frames of a batch for a worker that knows no batches. @throws AgentrtError `BAD_FRAME` */
export function takenApart(batch: InboundBatch, agentTypes: readonly string[]): OutboundFrame[] {
  return batch.events.map((event) =>
    agentTypes.length === 0 ? wholeFrameOf(event) : frameFor(agentTypes, event),
  );
}
