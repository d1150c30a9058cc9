import { commands, say, unknownCommand } from "./command-lines.ts";
import type { Tallies } from "./tally.ts";

/** Obeys `expect` and `tally` commands until standard input closes. Call it when the subscriptions stand. */
export async function runSubscriber(tallies: Tallies): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do === "expect") {
      tallies.expect(command.first, command.count);
      say({ event: "armed" });
    } else if (command.do === "tally") {
      tallies.report("tally");
    } else {
      throw unknownCommand("a subscriber", command);
    }
  }
}

/** Waits until standard input closes. Call it when the callee can be called. */
export async function runCallee(): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    throw unknownCommand("a callee", command);
  }
}

/** How a system opens many idle connections, or makes many subscriptions on one. */
export interface Holder {
  connect(count: number): Promise<void>;
  subscribe(count: number): Promise<void>;
}

/** Obeys `hold` commands until standard input closes. */
export async function runHolder(holder: Holder): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do !== "hold") {
      throw unknownCommand("a holder", command);
    }
    if (command.what === "connections") {
      await holder.connect(command.count);
    } else {
      await holder.subscribe(command.count);
    }
    say({ event: "held" });
  }
}

/** Makes so many of something, a few at a time, as nobody starts a thousand at once. */
export async function makeMany(count: number, make: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const makeUntilDone = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await make(next - 1);
    }
  };
  await Promise.all(Array.from({ length: 16 }, makeUntilDone));
}
