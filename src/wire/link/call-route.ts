import { AgentId } from "../../core/agent-id.ts";
import type { AnswerRoute, CallRoute } from "../../core/call-route.ts";
import type { Route } from "../gen/agentrt/v1/link_pb.ts";
import { encodeControlFrame } from "./frames.ts";
import { senderFields, senderIn } from "./route-sender.ts";

/** What a route is for: the topic tells, or the target. */
export function kindOfRoute(route: Route): "batch" | "call" | "answer" {
  if (route.topicType !== "") {
    return "batch";
  }
  return route.targetType === "" ? "answer" : "call";
}

export function encodeCallRoute(number: number, route: CallRoute): Uint8Array {
  const { target, sender, dataType, contentType } = route;
  return encodeControlFrame({
    case: "route",
    value: {
      ...{ number, dataType, contentType },
      ...{ targetType: target.type, targetKey: target.key },
      ...senderFields(sender),
    },
  });
}

export function encodeAnswerRoute(
  number: number,
  { dataType, contentType }: AnswerRoute,
): Uint8Array {
  return encodeControlFrame({ case: "route", value: { number, dataType, contentType } });
}

/** @throws AgentrtError `INVALID_AGENT_ID` */
export function decodeCallRoute(route: Route): CallRoute {
  const { targetType, targetKey, dataType, contentType } = route;
  return {
    target: new AgentId(targetType, targetKey),
    sender: senderIn(route),
    ...{ dataType, contentType },
  };
}
