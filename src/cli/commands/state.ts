import { writeFile } from "node:fs/promises";
import { AgentId, shorten } from "../../core/agent-id.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { choiceType } from "../setting-types.ts";
import type { Invocation } from "./command.ts";
import { SENTENCES } from "./command-words.ts";
import { textOfFile, textOfInput } from "./data-argument.ts";
import { readOperand } from "./operand.ts";
import { parseJson } from "./parse-json.ts";
import { tell } from "./tell.ts";
import { CONNECT_TIMEOUT_MS, withClient } from "./with-client.ts";

const ACTIONS = choiceType(["save", "load"] as const);

/** `agentrt state save TYPE/KEY [FILE]` and `agentrt state load TYPE/KEY FILE` */
export async function runState(invocation: Invocation): Promise<number> {
  const [actionText, target = "", file] = invocation.operands;
  const action = ACTIONS.parse(actionText);
  if (!action.ok) {
    throw new AgentrtError("INVALID_OPTION", `agentrt state: ${action.problem}`);
  }
  const id = readOperand(target, AgentId.parse);
  return action.value === "save"
    ? await save(invocation, id, file)
    : await load(invocation, id, file);
}

async function save(
  invocation: Invocation,
  id: AgentId,
  file: string | undefined,
): Promise<number> {
  const state = await withClient(invocation, needsOf(invocation), async ({ runtime, connect }) => {
    await connect();
    return await runtime.agentSaveState(id);
  });
  const { io } = invocation;
  if (file === undefined || file === "-") {
    await io.print(`${JSON.stringify(state)}\n`);
    return EXIT.done;
  }
  const text = `${JSON.stringify(state, undefined, 2)}\n`;
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new AgentrtError(
      "STORE_UNUSABLE",
      `The file ${shorten(file)} cannot be written: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  const agent = id.toString();
  await tell(invocation, { agent, saved: file }, SENTENCES.saved(agent, file));
  return EXIT.done;
}

async function load(
  invocation: Invocation,
  id: AgentId,
  file: string | undefined,
): Promise<number> {
  const { io, settings } = invocation;
  if (file === undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      "agentrt state load needs a FILE, or - for standard input.",
    );
  }
  const maxBytes = settings.values["max-message-size"];
  const text =
    file === "-" ? await textOfInput(io.input, maxBytes) : await textOfFile(file, maxBytes);
  const { value, problem } = parseJson(text);
  if (value === undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${file === "-" ? "Standard input" : `The file ${shorten(file)}`} is not JSON: ${problem ?? ""}`,
    );
  }
  await withClient(invocation, needsOf(invocation), async ({ runtime, connect }) => {
    await connect();
    await runtime.agentLoadState(id, value);
  });
  const agent = id.toString();
  await tell(invocation, { agent, loaded: file }, SENTENCES.loaded(agent, file));
  return EXIT.done;
}

function needsOf({ options }: Invocation): {
  connectTimeoutMs: number;
  callTimeoutMs: number | undefined;
} {
  return { connectTimeoutMs: CONNECT_TIMEOUT_MS, callTimeoutMs: options.timeout };
}
