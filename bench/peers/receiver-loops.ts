import { commands, say } from "./command-lines.ts";
import type { Tally } from "./tally.ts";

/** Obeys `expect` and `tally` commands until standard input closes. Call it when the subscription stands. */
export async function runSubscriber(tally: Tally): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do === "expect") {
      tally.expect(command.first, command.count);
      say({ event: "armed" });
    } else if (command.do === "tally") {
      tally.report("tally");
    } else {
      throw new RangeError(`a subscriber does not know the command ${command.do}`);
    }
  }
}

/** Waits until standard input closes. Call it when the callee can be called. */
export async function runCallee(): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    throw new RangeError(`a callee does not know the command ${command.do}`);
  }
}
