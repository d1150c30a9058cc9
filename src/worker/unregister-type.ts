import { getLogger } from "@logtape/logtape";
import { AgentId } from "../core/agent-id.ts";
import type { SubscriptionIndex } from "../core/subscription-index.ts";
import { type AgentInstances, noSuchAgent } from "./agent-instances.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { endsWithin } from "./ends-within.ts";
import { handledByAny } from "./hand-over.ts";

const logger = getLogger(["agentrt", "worker"]);

export interface UnregisterTypeOptions {
  readonly type: string;
  readonly instances: AgentInstances;
  readonly subscriptions: SubscriptionIndex;
  readonly dispatcher: Dispatcher;
  readonly withdrawSubscription: (id: string) => Promise<void>;
  readonly withdrawType: () => Promise<void>;
  /** How long the instances may take for what they were sent, and again to save and close. */
  readonly timeoutMs: number;
}

/**
 * Takes an agent type back. The others hear of it first, so that nothing new is sent; what was sent
 * before is handled, and only then the instances go.
 * @throws AgentrtError `NO_SUCH_AGENT` when the runtime does not have the type
 */
export async function unregisterType(options: UnregisterTypeOptions): Promise<void> {
  const { type, instances, subscriptions, dispatcher, timeoutMs } = options;
  if (!instances.hasType(type)) {
    throw noSuchAgent(new AgentId(type, "default"), instances.types);
  }
  const own = [...subscriptions.values()].filter(({ agentType }) => agentType === type);
  for (const { id } of own) {
    try {
      await options.withdrawSubscription(id);
    } catch (error) {
      // It is no longer told to a new connection, and the host forgets it with the old one.
      logger.debug("the host was not told of a subscription that ended", { id, error });
    }
  }
  await options.withdrawType();
  if (!(await endsWithin(timeoutMs, quiet(type, instances, dispatcher)))) {
    logger.warn("an agent type is taken back while its agents are still busy", { agentType: type });
  }
  for (const { id } of own) {
    if (subscriptions.get(id) !== undefined) {
      subscriptions.remove(id);
    }
  }
  if (!(await endsWithin(timeoutMs, instances.retireType(type)))) {
    logger.warn("some agents did not close in time; they are left as they are", {
      agentType: type,
    });
  }
}

/** Resolves when no instance of the type has messages. */
async function quiet(
  type: string,
  instances: AgentInstances,
  dispatcher: Dispatcher,
): Promise<void> {
  while (instances.slotsOf(type).some((slot) => dispatcher.isBusy(slot))) {
    await handledByAny(dispatcher);
  }
}
