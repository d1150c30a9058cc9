import type { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope } from "../core/envelope.ts";
import { isFor } from "../core/routing-headers.ts";
import type { SubscriptionIndex } from "../core/subscription-index.ts";
import type { AgentInstances } from "./agent-instances.ts";

/** The agents of this process that get an event: each subscribed type once, but not the sender itself. */
export function receiversOf(
  envelope: EventEnvelope,
  subscriptions: SubscriptionIndex,
  instances: AgentInstances,
): readonly AgentId[] {
  const receivers = new Map<string, AgentId>();
  subscriptions.forEachMatch(envelope.topic.type, (subscription) => {
    const id = subscription.mapToAgent(envelope.topic);
    const isWanted = isFor(id.type, envelope.headers) && !id.equals(envelope.sender);
    if (isWanted && instances.hasType(id.type)) {
      receivers.set(subscription.agentType, id);
    }
  });
  return [...receivers.values()];
}
