import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Headers } from "../../core/envelope.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { CallHeadersSchema } from "../gen/agentrt/v1/link_pb.ts";
import { readUInt32, writeUInt32 } from "./uint32.ts";
import { VarintReader, varintLength, writeVarint } from "./varint.ts";

/** Tags of proto/agentrt/v1/link.proto; a call and an answer have the same fields. */
const TAG = { frame: 0x0a, route: 0x0d, id: 0x15, headers: 0x1a, data: 0x22 } as const;
export const CALL_TAG = 0x4a;
export const ANSWER_TAG = 0x52;

/** A call or an answer as it came, in the bytes in which it may be passed on. */
export class CallFrame {
  readonly kind: "call" | "answer";
  readonly route: number;
  readonly id: number;
  readonly #packet: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #fields: CallFields;

  constructor(
    kind: "call" | "answer",
    packet: Uint8Array,
    start: number,
    end: number,
    fields: CallFields,
  ) {
    this.kind = kind;
    this.route = readUInt32(packet, fields.routeAt);
    this.id = readUInt32(packet, fields.idAt);
    this.#packet = packet;
    this.#start = start;
    this.#end = end;
    this.#fields = fields;
  }

  /** Bytes that it took in its packet. */
  get byteLength(): number {
    return this.#end - this.#start;
  }

  /** A view into what came. */
  get data(): Uint8Array {
    return this.#packet.subarray(this.#fields.dataAt, this.#fields.dataEnd);
  }

  get hasHeaders(): boolean {
    return this.#fields.headersAt >= 0;
  }

  /** @throws AgentrtError `BAD_FRAME` */
  get headers(): Headers {
    const { headersAt, headersEnd } = this.#fields;
    try {
      return fromBinary(CallHeadersSchema, this.#packet.subarray(headersAt, headersEnd)).headers;
    } catch (error) {
      throw badCall(`its headers are not CallHeaders: ${messageOf(error)}`);
    }
  }

  /** A packet with this frame alone, a view into what came, after it was given other numbers in place. */
  renumbered(route: number, id: number): Uint8Array {
    writeUInt32(this.#packet, this.#fields.routeAt, route);
    writeUInt32(this.#packet, this.#fields.idAt, id);
    return this.#packet.subarray(this.#start, this.#end);
  }
}

/** Where the fields stand in the packet. */
interface CallFields {
  routeAt: number;
  idAt: number;
  headersAt: number;
  headersEnd: number;
  dataAt: number;
  dataEnd: number;
}

/** A packet with one call or answer. */
export function encodeCallFrame(
  tag: typeof CALL_TAG | typeof ANSWER_TAG,
  route: number,
  id: number,
  headers: Headers,
  data: Uint8Array,
): Uint8Array {
  const extras = encodeHeaders(headers);
  const extrasLength =
    extras === undefined ? 0 : 1 + varintLength(extras.byteLength) + extras.byteLength;
  const { byteLength } = data;
  const callLength = 11 + extrasLength + varintLength(byteLength) + byteLength;
  const frameLength = 1 + varintLength(callLength) + callLength;
  const bytes = Buffer.allocUnsafe(1 + varintLength(frameLength) + frameLength);
  bytes[0] = TAG.frame;
  let at = writeVarint(bytes, 1, frameLength);
  bytes[at] = tag;
  at = writeVarint(bytes, at + 1, callLength);
  bytes[at] = TAG.route;
  writeUInt32(bytes, at + 1, route);
  bytes[at + 5] = TAG.id;
  writeUInt32(bytes, at + 6, id);
  at += 10;
  if (extras !== undefined) {
    bytes[at] = TAG.headers;
    at = writeVarint(bytes, at + 1, extras.byteLength);
    bytes.set(extras, at);
    at += extras.byteLength;
  }
  bytes[at] = TAG.data;
  at = writeVarint(bytes, at + 1, byteLength);
  bytes.set(data, at);
  return bytes;
}

/**
 * Reads the fields of a call or an answer that stand from `from` on; `start` is where its packet's
 * part begins. Fields come in any order, as protobuf allows.
 * @throws AgentrtError `BAD_FRAME`
 */
export function readCallFrame(
  kind: "call" | "answer",
  packet: Uint8Array,
  start: number,
  from: number,
  end: number,
): CallFrame {
  const reader = new VarintReader(packet, from, end);
  const fields: CallFields = {
    ...{ routeAt: -1, idAt: -1, headersAt: -1, headersEnd: -1, dataAt: from, dataEnd: from },
  };
  while (reader.hasMore) {
    const tag = reader.next();
    switch (tag) {
      case TAG.route:
        fields.routeAt = reader.at;
        reader.skip(4);
        break;
      case TAG.id:
        fields.idAt = reader.at;
        reader.skip(4);
        break;
      case TAG.headers: {
        const length = reader.next();
        fields.headersAt = reader.at;
        fields.headersEnd = reader.skip(length);
        break;
      }
      case TAG.data: {
        const length = reader.next();
        fields.dataAt = reader.at;
        fields.dataEnd = reader.skip(length);
        break;
      }
      default:
        throw badCall(`it has the unknown tag ${tag}`);
    }
  }
  if (reader.isBroken || fields.routeAt < 0 || fields.idAt < 0) {
    throw badCall("it lacks its route or its id, or is cut off");
  }
  const frame = new CallFrame(kind, packet, start, end, fields);
  if (frame.id === 0) {
    throw badCall("its id is 0");
  }
  return frame;
}

function encodeHeaders(headers: Headers): Uint8Array | undefined {
  for (const name in headers) {
    if (Object.hasOwn(headers, name)) {
      return toBinary(CallHeadersSchema, create(CallHeadersSchema, { headers: { ...headers } }));
    }
  }
  return undefined;
}

function badCall(reason: string): AgentrtError {
  return new AgentrtError(
    "BAD_FRAME",
    `A call or an answer on agentrt.v1.Link cannot be read: ${reason}.`,
    { data: { isUnreadable: true } },
  );
}
