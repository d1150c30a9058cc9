/** Messages that no short conversation has, as the codecs of this version write them. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ControlBody } from "../../src/core/control.ts";
import { TypePrefixSubscription, TypeSubscription } from "../../src/core/subscription.ts";
import { encodeMessage } from "../../src/wire/autogen/codec.ts";
import { encodeControl } from "../../src/wire/autogen/control-codec.ts";
import { encodeSubscription } from "../../src/wire/autogen/subscription-codec.ts";
import { encodeSubscriptions } from "../../src/wire/autogen/unary-codec.ts";
import {
  AddSubscriptionRequestSchema,
  AgentIdSchema,
  MessageSchema,
  RemoveSubscriptionRequestSchema,
} from "../../src/wire/gen/agents/agent_worker_pb.ts";
import type { CloudEventSchema } from "../../src/wire/gen/io/cloudevents/v1/cloudevents_pb.ts";
import type { MadeMessage } from "./corpus-message.ts";
import { madeLinkMessages } from "./made-link-messages.ts";
import { agent, event, failure, request } from "./sample-envelopes.ts";

type Peer = MadeMessage["from"];
type EventInit = MessageInitShape<typeof CloudEventSchema>;

function cloudEvent(what: string, value: EventInit): MadeMessage {
  const whole = { id: "e-2", source: "here", specVersion: "1.0", type: "news", ...value };
  const message = create(MessageSchema, { message: { case: "cloudEvent", value: whole } });
  return channel(what, toBinary(MessageSchema, message));
}

const channel = (what: string, bytes: Uint8Array): MadeMessage => ({
  ...{ what, method: "/agents.AgentRpc/OpenChannel", from: "worker", bytes },
});

function channelMessages(): readonly MadeMessage[] {
  const at = timestampFromDate(new Date(Date.UTC(2026, 0, 31, 8, 30, 0, 125)));
  return [
    channel("an event", encodeMessage(event)),
    channel(
      "an event that no agent sent",
      encodeMessage({ ...event, sender: undefined, headers: {} }),
    ),
    channel("a call", encodeMessage({ ...request, sender: agent })),
    channel("a call from outside", encodeMessage({ ...request, sender: undefined })),
    channel("a result", encodeMessage({ ...failure, error: "", payload: event.payload })),
    channel("a failure", encodeMessage(failure)),
    cloudEvent("attributes of every type", {
      attributes: {
        yes: { attr: { case: "ceBoolean", value: true } },
        no: { attr: { case: "ceBoolean", value: false } },
        number: { attr: { case: "ceInteger", value: -2_147_483_648 } },
        string: { attr: { case: "ceString", value: "ü 第三" } },
        bytes: { attr: { case: "ceBytes", value: Uint8Array.of(0, 255, 128) } },
        uri: { attr: { case: "ceUri", value: "https://example.org/a?b#c" } },
        reference: { attr: { case: "ceUriRef", value: "../a" } },
        at: { attr: { case: "ceTimestamp", value: at } },
        nothing: {},
      },
      data: { case: "textData", value: "a text" },
    }),
    cloudEvent("a protobuf message", {
      attributes: {
        dataschema: { attr: { case: "ceString", value: "agents.AgentId" } },
        datacontenttype: { attr: { case: "ceString", value: "application/x-protobuf" } },
      },
      data: {
        case: "protoData",
        value: anyPack(AgentIdSchema, create(AgentIdSchema, { type: "a", key: "b" })),
      },
    }),
    cloudEvent("an event without data", {}),
  ];
}

function controlMessages(): readonly MadeMessage[] {
  const [agentId, state] = [agent, '{"count":3}'];
  const there: readonly ControlBody[] = [
    { kind: "save-state-request", agentId },
    { kind: "load-state-request", agentId, state },
  ];
  const back: readonly ControlBody[] = [
    { kind: "save-state-response", state, error: undefined },
    { kind: "save-state-response", state: "", error: "There is none." },
    { kind: "load-state-response", error: undefined },
    { kind: "load-state-response", error: "It does not fit." },
  ];
  const address = { kind: "client", clientId: "corpus" } as const;
  const message = (body: ControlBody, isQuestion: boolean): MadeMessage => ({
    what: body.kind,
    method: "/agents.AgentRpc/OpenControlChannel",
    from: "worker",
    bytes: encodeControl({
      ...{ kind: "control", rpcId: "r-1", body },
      destination: isQuestion ? { kind: "agent", agentId } : address,
      respondTo: isQuestion ? address : undefined,
    }),
  });
  return [...there.map((body) => message(body, true)), ...back.map((body) => message(body, false))];
}

function unaryMessages(): readonly MadeMessage[] {
  const subscriptions = [
    new TypeSubscription("news", "reader", "s-1"),
    new TypePrefixSubscription("news.", "reader", "s-2"),
  ];
  const unary = (what: string, name: string, bytes: Uint8Array, from: Peer = "worker") => ({
    ...{ what, method: `/agents.AgentRpc/${name}`, from, bytes },
  });
  return [
    ...subscriptions.map((subscription) =>
      unary(
        "a subscription",
        "AddSubscription",
        toBinary(
          AddSubscriptionRequestSchema,
          create(AddSubscriptionRequestSchema, { subscription: encodeSubscription(subscription) }),
        ),
      ),
    ),
    unary(
      "its end",
      "RemoveSubscription",
      toBinary(
        RemoveSubscriptionRequestSchema,
        create(RemoveSubscriptionRequestSchema, { id: "s-1" }),
      ),
    ),
    unary("all of them", "GetSubscriptions", encodeSubscriptions(subscriptions), "host"),
  ];
}

export function madeMessages(): readonly MadeMessage[] {
  return [...madeLinkMessages(), ...channelMessages(), ...controlMessages(), ...unaryMessages()];
}
