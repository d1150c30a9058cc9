import type { Localized } from "../language.ts";
import type { Invocation } from "./command.ts";

/** Prints what a command did: facts as JSON for programs, or a sentence for people. */
export async function tell(
  { io, options }: Invocation,
  facts: Readonly<Record<string, unknown>>,
  text: Localized,
): Promise<void> {
  await io.print(`${options.json === true ? JSON.stringify(facts) : text[io.language]}\n`);
}
