import { AgentrtError } from "../../core/errors.ts";
import { choiceType } from "../setting-types.ts";

/** Flags of `topic set`, which say what is declared. */
export const DECLARING_OPTIONS = [
  "durable",
  "retention-age",
  "retention-count",
  "retention-size",
  "max-deliver",
  "ttl",
] as const;

/** Flags of `schedule set`, which say what comes when. */
export const SCHEDULING_OPTIONS = [
  "cron",
  "time-zone",
  "each",
  "missed",
  "type",
  "priority",
] as const;

/** First words of the commands for durable topics. */
export const TOPIC_ACTIONS = ["set", "list", "remove"] as const;
export const SCHEDULE_ACTIONS = ["set", "list", "remove"] as const;
export const DEAD_ACTIONS = ["list", "show", "replay", "drop"] as const;
export const DATA_ACTIONS = ["check", "backup", "compact"] as const;

/** @throws AgentrtError `INVALID_OPTION` */
export function readAction<A extends string>(
  command: string,
  actions: readonly A[],
  word: string | undefined,
): A {
  const action = choiceType(actions).parse(word);
  if (!action.ok) {
    throw new AgentrtError("INVALID_OPTION", `agentrt ${command}: ${action.problem}`);
  }
  return action.value;
}

/** For actions that take nothing more. @throws AgentrtError `INVALID_OPTION` */
export function refuseWords(action: string, words: readonly string[]): void {
  if (words.length > 0) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `agentrt ${action} takes no more words; ${words.length} too much.`,
    );
  }
}
