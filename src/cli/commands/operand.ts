import { AgentrtError } from "../../core/errors.ts";

/**
 * Reads a word of the command line. What is wrong with it is wrong usage, whatever the code that
 * the same mistake has in a message from a peer.
 * @throws AgentrtError `INVALID_OPTION`
 */
export function readOperand<T>(text: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (thrown) {
    const error = AgentrtError.from(thrown);
    throw new AgentrtError("INVALID_OPTION", error.message, { cause: error, data: error.data });
  }
}
