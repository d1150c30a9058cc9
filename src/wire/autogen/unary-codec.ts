import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import type { Subscription } from "../../core/subscription.ts";
import {
  AddSubscriptionRequestSchema,
  GetSubscriptionsResponseSchema,
  RegisterAgentTypeRequestSchema,
  RemoveSubscriptionRequestSchema,
} from "../gen/agents/agent_worker_pb.ts";
import { decodeSubscription, encodeSubscription } from "./subscription-codec.ts";

/** The answer of every unary call but GetSubscriptions: a message without fields. */
export const EMPTY_ANSWER = new Uint8Array(0);

/** Returns the agent type, unchecked. @throws AgentrtError `BAD_FRAME` */
export function decodeRegisterAgent(bytes: Uint8Array): string {
  return parse(RegisterAgentTypeRequestSchema, bytes).type;
}

/** @throws AgentrtError `BAD_FRAME`, `INVALID_SUBSCRIPTION`, `INVALID_TOPIC`, `INVALID_AGENT_ID` */
export function decodeAddSubscription(bytes: Uint8Array): Subscription {
  return decodeSubscription(parse(AddSubscriptionRequestSchema, bytes).subscription);
}

/** Returns the subscription's id. @throws AgentrtError `BAD_FRAME` */
export function decodeRemoveSubscription(bytes: Uint8Array): string {
  return parse(RemoveSubscriptionRequestSchema, bytes).id;
}

export function encodeSubscriptions(subscriptions: Iterable<Subscription>): Uint8Array {
  return toBinary(
    GetSubscriptionsResponseSchema,
    create(GetSubscriptionsResponseSchema, {
      subscriptions: Array.from(subscriptions, encodeSubscription),
    }),
  );
}

/** @throws AgentrtError `BAD_FRAME`, `INVALID_SUBSCRIPTION`, `INVALID_TOPIC`, `INVALID_AGENT_ID` */
export function decodeSubscriptions(bytes: Uint8Array): Subscription[] {
  return parse(GetSubscriptionsResponseSchema, bytes).subscriptions.map(decodeSubscription);
}

function parse<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new AgentrtError(
      "BAD_FRAME",
      `The message is not a ${schema.typeName}: ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}
