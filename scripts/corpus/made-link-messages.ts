import { crc32 } from "node:zlib";
import { TypePrefixSubscription, TypeSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { encodeMessage } from "../../src/wire/autogen/codec.ts";
import { encodeSubscription } from "../../src/wire/autogen/subscription-codec.ts";
import { Outcome } from "../../src/wire/gen/agentrt/v1/link_pb.ts";
import {
  encodeBatchFrame,
  encodeMessageFrame,
  OpenBatch,
} from "../../src/wire/link/batch-frame.ts";
import { ANSWER_TAG, CALL_TAG, encodeCallFrame } from "../../src/wire/link/call-frame.ts";
import { encodeAnswerRoute, encodeCallRoute } from "../../src/wire/link/call-route.ts";
import {
  type ControlFrameInit,
  encodeControlFrame,
  encodeRoute,
} from "../../src/wire/link/frames.ts";
import { encodeExtras } from "../../src/wire/link/records.ts";
import type { MadeMessage } from "./corpus-message.ts";

type Peer = MadeMessage["from"];

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const route = {
  ...{ topic: new TopicId("orders", "shop"), sender: agent, headers: { priority: "high" } },
  ...{ dataType: "Order", contentType: "application/json", producer: "", receivers: [] },
};
const forReceivers = { ...route, producer: "shop.17", receivers: ["packer", "printer"] };

function batch(): Uint8Array {
  const open = new OpenBatch();
  open.append(text('{"n":1}'), undefined);
  open.append(text('{"n":2}'), encodeExtras({ id: "order-2", headers: {} }));
  open.append(text(""), encodeExtras({ id: "", headers: { tracestate: "a=b", "x-ü": "第三" } }));
  open.append(
    Uint8Array.of(0, 255, 128),
    encodeExtras({ id: "order-4", headers: { priority: "low" } }),
  );
  return open.close(7, 41);
}

const link = (what: string, from: Peer, ...frames: readonly Uint8Array[]): MadeMessage => ({
  ...{ what, method: "/agentrt.v1.Link/Open", from, bytes: Buffer.concat(frames) },
});
const control = (what: string, from: Peer, ...frames: readonly ControlFrameInit[]): MadeMessage =>
  link(what, from, ...frames.map(encodeControlFrame));

const hello = { version: 1, producer: "shop.17", windowBytes: 1_048_576n };
const registrations = [
  { registration: { case: "agentType" as const, value: { type: "packer", policy: "shared" } } },
  { registration: { case: "agentType" as const, value: { type: "printer" } } },
  ...[
    new TypeSubscription("orders", "packer", "s-1"),
    new TypePrefixSubscription("orders.", "packer", "s-2"),
  ].map((subscription) => ({
    registration: { case: "subscription" as const, value: encodeSubscription(subscription) },
  })),
];
const records = text("\u0002x\u0004yz");
const checksum = crc32(records);

/** Of agentrt.v1.Link. */
export function madeLinkMessages(): readonly MadeMessage[] {
  return [
    control("the first hello", "worker", { case: "hello", value: hello }),
    control("a hello to come back", "worker", {
      ...{ case: "hello", value: { ...hello, windowBytes: MAX, lastInstance: "b5c7" } },
    }),
    control("a hello with all that the worker holds", "worker", {
      case: "hello",
      value: { ...hello, capabilities: ["cancel", "hand-over"], registrations },
    }),
    control("a welcome that says what became of it", "host", {
      case: "welcome",
      value: {
        ...{ version: 1, instance: "b5c7", windowBytes: 1_024n, maxRoutes: 9 },
        capabilities: ["cancel", "registrations", "of-tomorrow"],
        results: [
          { outcome: Outcome.ACCEPTED },
          {
            ...{ outcome: Outcome.REFUSED, code: "AGENT_TYPE_TAKEN", message: "It is taken." },
            data: '{"agentType":"packer"}',
          },
          {},
        ],
      },
    }),
    control("a welcome", "host", {
      case: "welcome",
      value: {
        ...{ version: 1, instance: "b5c7", accepted: MAX, windowBytes: 1_024n },
        ...{ maxMessageBytes: 4_194_304, maxRoutes: 16_384 },
      },
    }),
    link("a worker's route of events", "worker", encodeRoute(7, route)),
    link(
      "routes of calls and answers",
      "worker",
      encodeCallRoute(8, { ...route, target: agent }),
      encodeAnswerRoute(0xffff_ffff, route),
    ),
    link(
      "a host's route, for some types, and one of a cursor",
      "host",
      encodeRoute(9, forReceivers),
      encodeRoute(10, { ...forReceivers, sender: undefined, cursor: "log@packer" }),
    ),
    link("records with ids, headers and nothing", "worker", batch()),
    link(
      "a stored batch with large numbers",
      "host",
      encodeBatchFrame(
        { route: 0xffff_ffff, sequence: 2 ** 40, position: 2 ** 50, count: 2, checksum },
        records,
      ),
    ),
    link(
      "messages of AutoGen's dialect",
      "host",
      encodeMessageFrame(encodeMessage(failure)),
      encodeMessageFrame(encodeMessage(event)),
    ),
    link(
      "a call, and one with headers",
      "worker",
      encodeCallFrame(CALL_TAG, 8, 1, {}, text("{}")),
      encodeCallFrame(CALL_TAG, 8, 0xffff_ffff, { traceparent: "00-1-2-01" }, text("")),
    ),
    link(
      "an answer, and one with headers",
      "host",
      encodeCallFrame(ANSWER_TAG, 3, 1, {}, text("[1]")),
      encodeCallFrame(ANSWER_TAG, 3, 2, { a: "b" }, Uint8Array.of(0, 255)),
    ),
    control(
      "credits",
      "host",
      { case: "credit", value: { takenBytes: 1n } },
      { case: "credit", value: { takenBytes: MAX, accepted: MAX } },
    ),
    control("going away", "host", { case: "goingAway", value: { reason: "The host stops." } }),
    control("going away, answered", "worker", { case: "goingAway", value: {} }),
    control("routes gone", "worker", {
      case: "routesGone",
      value: { numbers: [1, 300, 0xffff_ffff] },
    }),
    control(
      "durable topics",
      "host",
      { case: "durableTopics", value: { patterns: ["orders", "bills*"] } },
      { case: "durableTopics", value: {} },
    ),
    control("refused records", "host", {
      case: "refused",
      value: { sequence: 41n, count: 4, code: "STORE_FULL", message: "The disk is full." },
    }),
    control("acknowledged records", "worker", {
      case: "ack",
      value: { cursor: "log@packer", ranges: [1n, 4n, 2n ** 50n, 1n] },
    }),
    control("a failed record", "worker", {
      case: "nack",
      value: { cursor: "log@packer", position: 2n ** 50n, error: "HANDLER_FAILED: no box" },
    }),
    control("the floor of a cursor", "host", {
      case: "cursorFloor",
      value: { cursor: "log@packer", floor: MAX },
    }),
    link(
      "many frames in one message",
      "worker",
      encodeRoute(7, route),
      batch(),
      encodeControlFrame({ case: "credit", value: { takenBytes: 90n } }),
      encodeCallFrame(CALL_TAG, 8, 2, {}, text("{}")),
      encodeMessageFrame(encodeMessage(failure)),
      batch(),
    ),
  ];
}

import { agent, event, failure, text } from "./sample-envelopes.ts";
