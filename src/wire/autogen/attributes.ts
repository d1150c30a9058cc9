import { AgentId } from "../../core/agent-id.ts";

/** Attributes with a meaning in AutoGen's protocol ("Publish"); all others are headers. */
export const ATTRIBUTE = {
  contentType: "datacontenttype",
  dataType: "dataschema",
  senderType: "agagentsendertype",
  senderKey: "agagentsenderkey",
  kind: "agmsgkind",
} as const;

/** What AutoGen writes as the sender of a message from outside an agent. */
export const NOBODY = "unknown";

/** @throws AgentrtError `INVALID_AGENT_ID` */
export function senderOf(type: string, key: string): AgentId | undefined {
  const isNobody = (type === "" && key === "") || (type === NOBODY && key === NOBODY);
  return isNobody ? undefined : new AgentId(type, key);
}
