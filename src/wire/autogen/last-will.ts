import { Metadata } from "@grpc/grpc-js";
import type { EventEnvelope } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { MAX_WILL_BYTES, WILL_HEADER } from "./service.ts";

/**
 * The event that a worker wants published when it is lost, or undefined.
 * @throws AgentrtError `BAD_FRAME`, `TOO_LARGE`, `INVALID_TOPIC`, `INVALID_AGENT_ID`
 */
export function lastWillOf(metadata: Metadata): EventEnvelope | undefined {
  const [bytes] = metadata.get(WILL_HEADER);
  if (bytes === undefined) {
    return undefined;
  }
  if (!Buffer.isBuffer(bytes)) {
    throw new AgentrtError("BAD_FRAME", `The metadata ${WILL_HEADER} is not binary.`);
  }
  assertShort(bytes);
  const envelope = decodeMessage(bytes);
  if (envelope.kind !== "event") {
    throw new AgentrtError("BAD_FRAME", `A last will is an event, not a ${envelope.kind}.`);
  }
  return envelope;
}

/** The metadata that leaves a will with the host. @throws AgentrtError `TOO_LARGE` */
export function willMetadata(will: EventEnvelope): Metadata {
  const bytes = Buffer.from(encodeMessage(will));
  assertShort(bytes);
  const metadata = new Metadata();
  metadata.set(WILL_HEADER, bytes);
  return metadata;
}

function assertShort(bytes: Uint8Array): void {
  if (bytes.byteLength > MAX_WILL_BYTES) {
    throw new AgentrtError(
      "TOO_LARGE",
      `The last will has ${bytes.byteLength} bytes; ${MAX_WILL_BYTES} are the most, since it travels as a header.`,
      { data: { limit: MAX_WILL_BYTES } },
    );
  }
}
