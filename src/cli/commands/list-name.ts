import { AgentrtError } from "../../core/errors.ts";
import { choiceType } from "../setting-types.ts";

export const LISTS = ["workers", "agents", "subscriptions", "topics"] as const;
export type ListName = (typeof LISTS)[number];

/** @throws AgentrtError `INVALID_OPTION` */
export function parseListName(text: string): ListName {
  const parsed = choiceType(LISTS).parse(text);
  if (!parsed.ok) {
    throw new AgentrtError("INVALID_OPTION", `agentrt ls: ${parsed.problem}`);
  }
  return parsed.value;
}
