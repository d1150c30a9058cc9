import { ENVELOPE_OVERHEAD_BYTES, type Envelope, type ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { OutgoingRequest } from "./outgoing.ts";

/** A message on its way out that is not one of a batch. */
export interface OutgoingMessage {
  readonly kind: "message";
  readonly envelope: Envelope;
  /** AutoGen's form; what is absent is made when it is known in which form the message goes. */
  readonly bytes: Uint8Array | undefined;
  readonly size: number;
  /** Set on an answer: it is good for the connection that its request came on only. */
  readonly onlyFor: FrameSink | undefined;
  readonly signal: SignalLike | undefined;
}

/** At the most, for each of a text's UTF-16 units. */
const MAX_UTF8_BYTES = 3;

/** @throws AgentrtError `TOO_LARGE` */
export function outgoingMessage(
  envelope: Envelope,
  maxMessageBytes: number,
  onlyFor: FrameSink | undefined,
  signal: SignalLike | undefined,
): OutgoingMessage {
  if (isCall(envelope)) {
    const size = ENVELOPE_OVERHEAD_BYTES + lengthOf(envelope);
    if (size * MAX_UTF8_BYTES > maxMessageBytes) {
      assertFits(encodeMessage(envelope).byteLength, maxMessageBytes);
    }
    return { kind: "message", envelope, bytes: undefined, size, onlyFor, signal };
  }
  const bytes = encodeMessage(envelope);
  assertFits(bytes.byteLength, maxMessageBytes);
  const size = ENVELOPE_OVERHEAD_BYTES + bytes.byteLength;
  return { kind: "message", envelope, bytes, size, onlyFor, signal };
}

/** @throws AgentrtError `TOO_LARGE` */
export function assertFits(bytes: number, maxMessageBytes: number): void {
  if (bytes > maxMessageBytes) {
    throw new AgentrtError(
      "TOO_LARGE",
      `The message is ${bytes} bytes, over the limit of ${maxMessageBytes}. Send less, or raise maxMessageBytes here and on the host.`,
      { data: { bytes, limit: maxMessageBytes } },
    );
  }
}

/** A call of this process, or an answer: what has a form of its own on agentrt's dialect. */
function isCall(envelope: Envelope): envelope is OutgoingRequest | ResponseEnvelope {
  return envelope.kind === "response" || envelope instanceof OutgoingRequest;
}

/** About its bytes: exact for ASCII, less than a third too few for any text. */
function lengthOf(envelope: OutgoingRequest | ResponseEnvelope): number {
  const { headers, payload } = envelope;
  let length = payload.data.byteLength + payload.dataType.length + payload.contentType.length;
  for (const name in headers) {
    length += name.length + (headers[name]?.length ?? 0);
  }
  return envelope.kind === "response"
    ? length + envelope.error.length
    : length + String(envelope.target).length + String(envelope.sender ?? "").length;
}

/** To be called when it has to wait: its caller may use the bytes for something else meanwhile. */
export function withOwnData(item: OutgoingMessage): OutgoingMessage {
  const { envelope, bytes } = item;
  if (bytes !== undefined) {
    return item;
  }
  if (envelope.kind === "response") {
    const { payload } = envelope;
    const own = { ...payload, data: new Uint8Array(payload.data) };
    return { ...item, envelope: { ...envelope, payload: own } };
  }
  if (envelope instanceof OutgoingRequest) {
    envelope.keepData();
  }
  return item;
}

/** False: the sink wants no more, though it has taken this. */
export function writeMessage({ envelope, bytes }: OutgoingMessage, sink: FrameSink): boolean {
  if (bytes !== undefined) {
    return sink.write(bytes);
  }
  return (
    (envelope.kind === "event" ? undefined : sink.calls?.write(envelope)) ??
    sink.write(encodeMessage(envelope))
  );
}
