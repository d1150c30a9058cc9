import { getLogger } from "@logtape/logtape";
import type { Registration, RegistrationResult } from "../core/registration.ts";
import type { AgentRpcClient } from "../wire/autogen/client.ts";
import { describe } from "./registration.ts";

const logger = getLogger(["agentrt", "worker"]);

/** The host on one connection. */
export interface HostInTouch {
  readonly client: AgentRpcClient;
  /** Aborts when the connection is over. */
  readonly signal: AbortSignal;
  /** What the host has said already of what went with the hello; each counts once. */
  readonly results: Map<Registration, RegistrationResult>;
}

/** Resolves when the host has it. @throws AgentrtError the host's refusal, or that of the connection */
export async function register(
  registration: Registration,
  { client, results }: HostInTouch,
  timeoutMs: number,
): Promise<void> {
  const result = results.get(registration);
  results.delete(registration);
  if (result?.kind === "refused") {
    throw result.error;
  }
  if (result?.kind === "accepted") {
    return;
  }
  await (registration.kind === "type"
    ? client.registerAgent(registration.agentType, timeoutMs, {
        policy: registration.policy,
        canHandOver: true,
      })
    : client.addSubscription(registration.subscription, timeoutMs));
}

/** Takes a subscription back that nobody waits for. */
export function unsubscribe(
  registration: Extract<Registration, { kind: "subscription" }>,
  { client, signal }: HostInTouch,
  timeoutMs: number,
): void {
  client.removeSubscription(registration.subscription.id, timeoutMs).catch((error: unknown) => {
    if (!signal.aborted) {
      const message = "the host may still have a subscription that was taken back";
      logger.warn(message, { ...describe(registration), error });
    }
  });
}
