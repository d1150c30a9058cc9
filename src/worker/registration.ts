import { getLogger } from "@logtape/logtape";
import type { AgentrtError } from "../core/errors.ts";
import type { Registration } from "../core/registration.ts";

const logger = getLogger(["agentrt", "worker"]);

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

/** Says that the host does not accept something now that it is asked for again. */
export function warnOfRefusal(registration: Registration, error: AgentrtError): void {
  if (registration.kind === "type" && isTaken(error)) {
    logger.warn("agent type {agentType} is held by another worker; taking over when it leaves", {
      agentType: registration.agentType,
    });
  } else {
    logger.warn("the host does not accept a registration now; trying again", {
      ...describe(registration),
      error,
    });
  }
}
