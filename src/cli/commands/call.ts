import { AgentId } from "../../core/agent-id.ts";
import { AgentrtError } from "../../core/errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { Invocation } from "./command.ts";
import { messageFor, textOfFile, textOfInput } from "./data-argument.ts";
import { readOperand } from "./operand.ts";
import { jsonLineOf, textOfPayload, viewOf } from "./payload-view.ts";
import { CONNECT_TIMEOUT_MS, withClient } from "./with-client.ts";

/** `agentrt call TYPE/KEY [DATA]` */
export async function runCall(invocation: Invocation): Promise<number> {
  const { operands, options, io } = invocation;
  const [target = "", data] = operands;
  const recipient = readOperand(target, AgentId.parse);
  const { type, priority } = options;
  const text = await textOf(invocation, data);
  const message = messageFor(text, { type, destination: target, priority }, "DATA");
  const answer = await withClient(
    invocation,
    { connectTimeoutMs: CONNECT_TIMEOUT_MS, callTimeoutMs: options.timeout },
    async ({ runtime, stop, connect }) => {
      await connect();
      return await runtime.sendMessage(message, recipient, {
        signal: stop,
        ...(priority === undefined ? {} : { priority }),
      });
    },
  );
  const view = viewOf(answer);
  if (options.json === true) {
    await io.print(`${jsonLineOf({ agent: recipient.toString() }, view)}\n`);
  } else if (answer !== undefined) {
    await io.print(`${textOfPayload(view)}\n`);
  }
  return EXIT.done;
}

async function textOf(
  { options, settings, io }: Invocation,
  data: string | undefined,
): Promise<string> {
  const maxBytes = settings.values["max-message-size"];
  if (data === undefined) {
    if (options.type === undefined) {
      throw new AgentrtError(
        "INVALID_OPTION",
        "There is nothing to send. Add DATA, or --type NAME for a message without fields.",
      );
    }
    return "{}";
  }
  if (data === "-") {
    return await textOfInput(io.input, maxBytes);
  }
  return data.startsWith("@") ? await textOfFile(data.slice(1), maxBytes) : data;
}
