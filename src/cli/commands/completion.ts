import { AgentrtError } from "../../core/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { choiceType } from "../setting-types.ts";
import type { Invocation } from "./command.ts";
import { COMPLETION_SCRIPTS, SHELLS } from "./completion-scripts.ts";

/** `agentrt completion bash|zsh|fish` */
export async function runCompletion({ operands, io }: Invocation): Promise<number> {
  const shell = choiceType(SHELLS).parse(operands[0]);
  if (!shell.ok) {
    throw new AgentrtError("INVALID_OPTION", `agentrt completion: ${shell.problem}`);
  }
  await io.print(COMPLETION_SCRIPTS[shell.value]);
  return EXIT.done;
}
