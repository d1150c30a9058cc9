import type { AgentrtError } from "../core/errors.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TypePolicy } from "../core/type-policy.ts";

/** One thing that a host shall know of a worker. */
export type Registration =
  | { readonly kind: "type"; readonly agentType: string; readonly policy?: TypePolicy | undefined }
  | { readonly kind: "subscription"; readonly subscription: Subscription };

/** Another worker, or an earlier connection of this one, has it. */
export function isTaken({ code }: AgentrtError): boolean {
  return code === "AGENT_TYPE_TAKEN" || code === "SUBSCRIPTION_EXISTS";
}

/** Errors that say something of the connection or the host, not of the registration. */
export function isOfConnection({ code }: AgentrtError): boolean {
  return (
    code === "NOT_CONNECTED" ||
    code === "DEADLINE" ||
    code === "HOST_DRAINING" ||
    code === "CANCELLED"
  );
}

/** For the log. */
export function describe(registration: Registration): Readonly<Record<string, string>> {
  return registration.kind === "type"
    ? { agentType: registration.agentType }
    : {
        subscription: registration.subscription.id,
        agentType: registration.subscription.agentType,
      };
}
