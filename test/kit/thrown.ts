import { AgentrtError } from "../../src/core/errors.ts";

/**
 * Runs a step that must fail with an AgentrtError, and returns that.
 * @throws Error when it succeeds or fails with anything else
 */
export function thrownBy(step: () => unknown): AgentrtError {
  try {
    step();
  } catch (error) {
    return asAgentrtError(error);
  }
  throw new Error("Nothing was thrown.");
}

/** The same for a promise that must reject. */
export async function rejectionOf(work: Promise<unknown>): Promise<AgentrtError> {
  try {
    await work;
  } catch (error) {
    return asAgentrtError(error);
  }
  throw new Error("The promise did not reject.");
}

function asAgentrtError(thrown: unknown): AgentrtError {
  if (thrown instanceof AgentrtError) {
    return thrown;
  }
  throw new Error(`Not an AgentrtError: ${String(thrown)}`, { cause: thrown });
}
