import { crc32 } from "node:zlib";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import type { BatchRoute } from "../../core/event-batch.ts";
import { FULL_QUEUE_POLICIES, type FullQueuePolicy } from "../../core/full-queue.ts";
import { TopicId } from "../../core/topic-id.ts";
import {
  type Frame,
  type FrameSchema,
  FullQueue,
  OpenRequestSchema,
  type Route,
} from "../gen/agentrt/v1/link_pb.ts";
import { TAG } from "./batch-frame.ts";
import { ANSWER_TAG, CALL_TAG, type CallFrame, readCallFrame } from "./call-frame.ts";
import { senderFields, senderIn } from "./route-sender.ts";
import { VarintReader } from "./varint.ts";

/** A batch as it came, in the bytes in which it may be passed on. */
export interface BatchFrame {
  readonly kind: "batch";
  readonly route: number;
  readonly sequence: number;
  readonly position: number;
  readonly count: number;
  /** CRC-32 of the records as they came. */
  readonly checksum: number;
  /** How the records are compressed; 0 is not at all. */
  readonly encoding: number;
  /** Bytes of the records without their encoding, as the batch says. */
  readonly inflatedBytes: number;
  /** As they came. */
  readonly records: Uint8Array;
  /** A packet with this frame alone: a view into what came. */
  readonly bytes: Uint8Array;
  /** Where the route's number stands in `bytes`, for {@link patchRoute}. */
  readonly routeAt: number;
}

/** An `agents.Message` of AutoGen's dialect. */
export interface MessageFrame {
  readonly kind: "message";
  readonly message: Uint8Array;
  /** Bytes that it took in its packet. */
  readonly byteLength: number;
}

/** Everything that is not counted by flow control. */
export interface ControlFrame {
  readonly kind: "control";
  readonly frame: Frame["frame"];
}

/** A worker's first frame. */
export type HelloFrame = Extract<Frame["frame"], { case: "hello" }>["value"];

/** Agrees on a route. */
export type RouteFrame = Extract<Frame["frame"], { case: "route" }>["value"];

export type LinkFrame = BatchFrame | CallFrame | MessageFrame | ControlFrame;

export type ControlFrameInit = NonNullable<MessageInitShape<typeof FrameSchema>["frame"]>;

/** A packet with one frame. Packets one behind the other are a packet of all their frames. */
export function encodeControlFrame(frame: ControlFrameInit): Uint8Array {
  return toBinary(OpenRequestSchema, create(OpenRequestSchema, { frames: [{ frame }] }));
}

/** Bytes of a frame as flow control counts them: all that it takes in its packet, without compression. */
export function creditOf(frame: BatchFrame | CallFrame | MessageFrame): number {
  return frame.kind === "batch" ? frame.bytes.byteLength + savedBytesOf(frame) : frame.byteLength;
}

/** What compression takes off a batch. */
export function savedBytesOf({ inflatedBytes, records }: BatchFrame): number {
  return Math.max(0, inflatedBytes - records.byteLength);
}

/** Messages in a frame as flow control counts them. */
export function messagesOf(frame: BatchFrame | CallFrame | MessageFrame): number {
  return frame.kind === "batch" ? frame.count : 1;
}

/**
 * Reads the frames of one gRPC message, in order. Unknown frames and fields are passed over, as
 * protobuf asks. @throws AgentrtError `BAD_FRAME`, with `data.isUnreadable`
 */
export function readPacket(packet: Uint8Array): LinkFrame[] {
  const frames: LinkFrame[] = [];
  const reader = new VarintReader(packet, 0, packet.byteLength);
  while (reader.hasMore) {
    const start = reader.at;
    const tag = reader.next();
    const length = reader.next();
    const bodyAt = reader.at;
    const end = reader.skip(length);
    if (tag !== TAG.frame || reader.isBroken) {
      throw badPacket("it is not a sequence of frames");
    }
    const frame = readFrame(packet, start, bodyAt, end);
    if (frame !== undefined) {
      frames.push(frame);
    }
  }
  if (reader.isBroken) {
    throw badPacket("it ends within a number");
  }
  return frames;
}

function readFrame(
  packet: Uint8Array,
  start: number,
  bodyAt: number,
  end: number,
): LinkFrame | undefined {
  const reader = new VarintReader(packet, bodyAt, end);
  const tag = reader.next();
  if (tag !== TAG.batch && tag !== TAG.message && tag !== CALL_TAG && tag !== ANSWER_TAG) {
    return readControl(packet.subarray(start, end));
  }
  const length = reader.next();
  const from = reader.at;
  reader.skip(length);
  if (reader.isBroken || reader.hasMore) {
    throw badPacket("a frame's length is wrong");
  }
  switch (tag) {
    case TAG.message:
      return { kind: "message", message: packet.subarray(from, end), byteLength: end - start };
    case TAG.batch:
      return readBatch(packet, start, from, end);
    default:
      return readCallFrame(tag === CALL_TAG ? "call" : "answer", packet, start, from, end);
  }
}

function readControl(packet: Uint8Array): ControlFrame | undefined {
  try {
    const frame = fromBinary(OpenRequestSchema, packet).frames[0]?.frame;
    return frame?.case === undefined ? undefined : { kind: "control", frame };
  } catch (error) {
    throw badPacket(`a frame is not protobuf: ${messageOf(error)}`);
  }
}

/** Fields in any order, as protobuf allows; the ones that we write come in one order without choice. */
function readBatch(packet: Uint8Array, start: number, from: number, end: number): BatchFrame {
  const view = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  const reader = new VarintReader(packet, from, end);
  let route = 0;
  let routeAt = -1;
  let sequence = 0;
  let position = 0;
  let count = 0;
  let checksum = 0;
  let encoding = 0;
  let inflatedBytes = 0;
  let records: Uint8Array | undefined;
  while (reader.hasMore) {
    const tag = reader.next();
    const { at } = reader;
    switch (tag) {
      case TAG.route:
        route = reader.skip(4) < 0 ? 0 : view.readUInt32LE(at);
        routeAt = at - start;
        break;
      case TAG.sequence:
        sequence = reader.skip(8) < 0 ? 0 : readUInt53(view, at);
        break;
      case TAG.position:
        position = reader.skip(8) < 0 ? 0 : readUInt53(view, at);
        break;
      case TAG.count:
        count = reader.skip(4) < 0 ? 0 : view.readUInt32LE(at);
        break;
      case TAG.checksum:
        checksum = reader.skip(4) < 0 ? 0 : view.readUInt32LE(at);
        break;
      case TAG.encoding:
        encoding = reader.next();
        break;
      case TAG.inflatedBytes:
        inflatedBytes = reader.skip(4) < 0 ? 0 : view.readUInt32LE(at);
        break;
      case TAG.records: {
        const length = reader.next();
        const recordsAt = reader.at;
        const recordsEnd = reader.skip(length);
        records = recordsEnd < 0 ? undefined : packet.subarray(recordsAt, recordsEnd);
        break;
      }
      default:
        throw badPacket(`a batch has the unknown tag ${tag}`);
    }
  }
  if (reader.isBroken || records === undefined || routeAt < 0 || count === 0 || sequence === 0) {
    throw badPacket("a batch lacks its route, sequence, count or records, or is cut off");
  }
  if (encoding === 0) {
    inflatedBytes = records.byteLength;
  }
  // A record is a byte at the least, so that a count cannot ask for more work than there is data.
  if (count > inflatedBytes) {
    throw badPacket(`a batch claims ${count} records in ${inflatedBytes} bytes`);
  }
  if (crc32(records) !== checksum) {
    throw badPacket("a batch's records do not have its checksum");
  }
  const bytes = packet.subarray(start, end);
  return {
    kind: "batch",
    route,
    sequence,
    position,
    count,
    checksum,
    encoding,
    inflatedBytes,
    records,
    bytes,
    routeAt,
  };
}

function readUInt53(view: Buffer, at: number): number {
  const value = view.readUInt32LE(at) + view.readUInt32LE(at + 4) * 0x1_0000_0000;
  if (!Number.isSafeInteger(value)) {
    throw badPacket(`the number ${value} is over 2^53 - 1`);
  }
  return value;
}

const FULL_QUEUE: Readonly<Record<FullQueuePolicy, FullQueue>> = {
  block: FullQueue.UNSPECIFIED,
  "drop-oldest": FullQueue.DROP_OLDEST,
  "keep-latest": FullQueue.KEEP_LATEST,
};

export function encodeRoute(number: number, route: BatchRoute): Uint8Array {
  return encodeControlFrame({
    case: "route",
    value: {
      number,
      topicType: route.topic.type,
      topicSource: route.topic.source,
      ...senderFields(route.sender),
      dataType: route.dataType,
      contentType: route.contentType,
      headers: { ...route.headers },
      producer: route.producer,
      receivers: [...route.receivers],
      cursor: route.cursor ?? "",
      fullQueue: FULL_QUEUE[route.fullQueue ?? "block"],
    },
  });
}

/** @throws AgentrtError `INVALID_TOPIC`, `INVALID_AGENT_ID` */
export function decodeRoute(route: Route): BatchRoute {
  const fullQueue = FULL_QUEUE_POLICIES.find((policy) => FULL_QUEUE[policy] === route.fullQueue);
  return {
    topic: new TopicId(route.topicType, route.topicSource),
    sender: senderIn(route),
    headers: route.headers,
    dataType: route.dataType,
    contentType: route.contentType,
    producer: route.producer,
    receivers: route.receivers,
    ...(route.cursor === "" ? {} : { cursor: route.cursor }),
    ...(fullQueue === undefined || fullQueue === "block" ? {} : { fullQueue }),
  };
}

function badPacket(reason: string): AgentrtError {
  return new AgentrtError(
    "BAD_FRAME",
    `A message on agentrt.v1.Link cannot be read: ${reason}. Check that the peer speaks this dialect.`,
    { data: { isUnreadable: true } },
  );
}
