/** What a gRPC message of the corpus says, as plain JSON: what is kept beside its bytes, and compared. */
import { create, toJson } from "@bufbuild/protobuf";
import type {
  EventEnvelope,
  RequestEnvelope,
  ResponseEnvelope,
} from "../../../src/core/envelope.ts";
import { decodeMessage } from "../../../src/wire/autogen/codec.ts";
import { decodeControl } from "../../../src/wire/autogen/control-codec.ts";
import {
  decodeAddSubscription,
  decodeRegisterAgent,
  decodeRemoveSubscription,
  decodeSubscriptions,
} from "../../../src/wire/autogen/unary-codec.ts";
import { FrameSchema } from "../../../src/wire/gen/agentrt/v1/link_pb.ts";
import { decodeCallRoute, kindOfRoute } from "../../../src/wire/link/call-route.ts";
import {
  creditOf,
  decodeRoute,
  type LinkFrame,
  readPacket,
} from "../../../src/wire/link/frames.ts";
import { decodeExtras, readRecords } from "../../../src/wire/link/records.ts";

/** Reads a message with the code that a worker or a host reads it with. */
export function described(method: string, from: "worker" | "host", bytes: Uint8Array): unknown {
  return JSON.parse(JSON.stringify(read(method, from, bytes)));
}

function read(method: string, from: "worker" | "host", bytes: Uint8Array): unknown {
  switch (`${method} ${from}`) {
    case "/agentrt.v1.Link/Open worker":
    case "/agentrt.v1.Link/Open host":
      return readPacket(bytes).map(frameOf);
    case "/agents.AgentRpc/OpenChannel worker":
    case "/agents.AgentRpc/OpenChannel host":
      return messageOf(decodeMessage(bytes));
    case "/agents.AgentRpc/OpenControlChannel worker":
    case "/agents.AgentRpc/OpenControlChannel host":
      return decodeControl(bytes);
    case "/agents.AgentRpc/RegisterAgent worker":
      return { type: decodeRegisterAgent(bytes) };
    case "/agents.AgentRpc/AddSubscription worker":
      return decodeAddSubscription(bytes);
    case "/agents.AgentRpc/RemoveSubscription worker":
      return { id: decodeRemoveSubscription(bytes) };
    case "/agents.AgentRpc/GetSubscriptions host":
      return decodeSubscriptions(bytes);
    default:
      // The other unary messages have no fields, and nobody reads them.
      return { bytes: bytes.byteLength };
  }
}

function frameOf(frame: LinkFrame): unknown {
  switch (frame.kind) {
    case "batch": {
      const { kind, route, sequence, position, count, checksum } = frame;
      const records: unknown[] = [];
      readRecords(frame.records, count, (payload, extras) => {
        const own = extras === undefined ? {} : { extras: decodeExtras(extras) };
        records.push({ payload: dataOf(payload), ...own });
      });
      return { kind, route, sequence, position, count, checksum, credit: creditOf(frame), records };
    }
    case "call":
    case "answer": {
      const { kind, route, id, data } = frame;
      const headers = frame.hasHeaders ? { headers: frame.headers } : {};
      return { kind, route, id, credit: creditOf(frame), ...headers, data: dataOf(data) };
    }
    case "message":
      return {
        ...{ kind: "message", credit: creditOf(frame) },
        message: messageOf(decodeMessage(frame.message)),
      };
    case "control": {
      // Fields that are not set are left out: those that a later version adds are not in what was sent before.
      const value = toJson(FrameSchema, create(FrameSchema, { frame: frame.frame }));
      return frame.frame.case === "route"
        ? { kind: "control", frame: value, means: routeOf(frame.frame.value) }
        : { kind: "control", frame: value };
    }
    default:
      throw frame satisfies never;
  }
}

function routeOf(route: Parameters<typeof decodeRoute>[0]): unknown {
  const kind = kindOfRoute(route);
  switch (kind) {
    case "batch": {
      const { topic, sender, ...others } = decodeRoute(route);
      return { kind, topic: `${topic}`, sender: `${sender ?? ""}`, ...others };
    }
    case "call": {
      const { target, sender, ...others } = decodeCallRoute(route);
      return { kind, target: `${target}`, sender: `${sender ?? ""}`, ...others };
    }
    default:
      return { kind };
  }
}

function messageOf(envelope: EventEnvelope | RequestEnvelope | ResponseEnvelope): unknown {
  const { kind, id, headers } = envelope;
  const { dataType, contentType, data } = envelope.payload;
  const payload = { dataType, contentType, data: dataOf(data) };
  switch (envelope.kind) {
    case "event": {
      const { topic, sender } = envelope;
      return { kind, id, topic: `${topic}`, sender: `${sender ?? ""}`, headers, payload };
    }
    case "request": {
      const { target, sender, method } = envelope;
      return { kind, id, target: `${target}`, sender: `${sender ?? ""}`, method, headers, payload };
    }
    case "response":
      return { kind, id, error: envelope.error, headers, payload };
    default:
      throw envelope satisfies never;
  }
}

/** Text where it is text, so that people can read it too. */
function dataOf(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes);
  const text = buffer.toString();
  return Buffer.from(text).equals(buffer) ? text : { hex: buffer.toString("hex") };
}
