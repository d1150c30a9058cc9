import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AgentrtError } from "../../core/errors.ts";
import {
  type Subscription,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../core/subscription.ts";
import {
  SubscriptionSchema,
  type Subscription as WireSubscription,
} from "../gen/agents/agent_worker_pb.ts";

/** @throws AgentrtError `INVALID_SUBSCRIPTION`, `INVALID_TOPIC`, `INVALID_AGENT_ID` */
export function decodeSubscription(wire: WireSubscription | undefined): Subscription {
  const subscription = wire?.subscription;
  switch (subscription?.case) {
    case "typeSubscription": {
      const { topicType, agentType } = subscription.value;
      return new TypeSubscription(topicType, agentType, wire?.id ?? "");
    }
    case "typePrefixSubscription": {
      const { topicTypePrefix, agentType } = subscription.value;
      return new TypePrefixSubscription(topicTypePrefix, agentType, wire?.id ?? "");
    }
    case undefined:
      throw new AgentrtError(
        "INVALID_SUBSCRIPTION",
        "The subscription is neither a type subscription nor a type prefix subscription.",
      );
    default:
      throw subscription satisfies never;
  }
}

export function encodeSubscription(
  subscription: Subscription,
): MessageInitShape<typeof SubscriptionSchema> {
  const { agentType } = subscription;
  return create(SubscriptionSchema, {
    id: subscription.id,
    subscription:
      subscription.kind === "type"
        ? { case: "typeSubscription", value: { topicType: subscription.topicType, agentType } }
        : {
            case: "typePrefixSubscription",
            value: { topicTypePrefix: subscription.topicTypePrefix, agentType },
          },
  });
}
