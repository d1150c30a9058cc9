import { AgentId } from "../../core/agent-id.ts";

/** How a route says who sends; both are empty when that is not an agent. */
export interface SenderFields {
  readonly senderType: string;
  readonly senderKey: string;
}

export function senderFields(sender: AgentId | undefined): SenderFields {
  return { senderType: sender?.type ?? "", senderKey: sender?.key ?? "" };
}

/** @throws AgentrtError `INVALID_AGENT_ID` */
export function senderIn({ senderType, senderKey }: SenderFields): AgentId | undefined {
  return senderType === "" && senderKey === "" ? undefined : new AgentId(senderType, senderKey);
}
