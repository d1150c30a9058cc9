import type { JsonValue } from "../../core/agent.ts";
import { messageOf } from "../../core/errors.ts";

/** A text as JSON, or why it is none. */
export interface ParsedJson {
  readonly value: JsonValue | undefined;
  readonly problem: string | undefined;
}

export function parseJson(text: string): ParsedJson {
  try {
    return { value: JSON.parse(text) as JsonValue, problem: undefined };
  } catch (error) {
    return { value: undefined, problem: `${messageOf(error)}.` };
  }
}
