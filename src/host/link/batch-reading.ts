import type { AgentrtError } from "../../core/errors.ts";
import {
  assertInflatedFits,
  assertReadable,
  ENCODINGS,
  numberOfEncoding,
} from "../../wire/link/compression.ts";
import type { BatchFrame } from "../../wire/link/frames.ts";
import type { AgentRpcParts } from "../admission.ts";
import type { OutboundFrame } from "../outbox.ts";
import type { Session } from "../session.ts";

/** How a worker takes compressed batches. */
export interface BatchReading {
  /** Numbers of the encodings that it reads. */
  readonly encodings: ReadonlySet<number>;
  /** One that it does not read could not be inflated for it, and is not sent. */
  readonly onUnreadable: (error: AgentrtError, frame: OutboundFrame) => void;
}

/** Of a worker that has said what it can do. */
export function batchReadingOf(
  { totals, incidents, router }: AgentRpcParts,
  { capabilities, clientId }: Session,
): BatchReading {
  const read = ENCODINGS.filter((encoding) => capabilities.has(encoding));
  return {
    encodings: new Set(read.map(numberOfEncoding)),
    onUnreadable: (error, frame) => {
      totals.badFrames += 1;
      incidents.record(error, clientId);
      router.undelivered("BAD_FRAME", `${error.message} For worker ${clientId}.`, frame);
    },
  };
}

/**
 * What can be seen of a compressed batch without inflating it.
 * @throws AgentrtError `BAD_FRAME` for an encoding that the host does not read, `TOO_LARGE`
 */
export function assertTakable(frame: BatchFrame, maxMessageBytes: number): void {
  if (frame.encoding !== 0) {
    assertInflatedFits(frame.inflatedBytes, maxMessageBytes);
    assertReadable(frame.encoding);
  }
}
