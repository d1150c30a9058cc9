import { AgentrtError } from "../../core/errors.ts";
import type { RegistrationResult } from "../../core/registration.ts";
import { decodeRegistration, type RegistrationFrame } from "../../wire/link/registration-frames.ts";
import type { AgentRpcParts } from "../admission.ts";
import type { Session } from "../session.ts";

/**
 * Takes what a worker registers with its hello, as the unary calls would, one after the other.
 * A subscription is not tried when its agent type was refused: it could meet that of the type's holder.
 */
export function takeRegistrations(
  { enrolment, incidents, isDraining }: AgentRpcParts,
  session: Session,
  frames: readonly RegistrationFrame[],
): readonly RegistrationResult[] {
  const refusedTypes = new Set<string>();
  return frames.map((frame): RegistrationResult => {
    if (isDraining()) {
      return { kind: "untried" };
    }
    let agentType: string | undefined;
    try {
      const asked = decodeRegistration(frame);
      if (asked === undefined) {
        return { kind: "untried" };
      }
      if (asked.kind === "type") {
        agentType = asked.agentType;
        enrolment.registerAgentType(session, asked.agentType, asked.policy);
      } else if (refusedTypes.has(asked.subscription.agentType)) {
        return { kind: "untried" };
      } else {
        enrolment.addSubscription(session, asked.subscription);
      }
      return { kind: "accepted" };
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      if (agentType !== undefined) {
        refusedTypes.add(agentType);
      }
      incidents.record(error, session.clientId);
      return { kind: "refused", error };
    }
  });
}
