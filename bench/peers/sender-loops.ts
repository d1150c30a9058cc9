import { setImmediate as nextTurn } from "node:timers/promises";
import { MESSAGES_PER_TURN } from "./bench-message.ts";
import { commands, say } from "./command-lines.ts";

/** What a system under test offers a publisher. */
export interface PublisherPort {
  publish(sequence: number): Promise<void> | void;
  /** Resolves when everything published so far has left this process, where the system can tell. */
  flush(): Promise<void>;
}

/** Obeys `send` commands until standard input closes. */
export async function runPublisher(port: PublisherPort): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do !== "send") {
      throw new RangeError(`a publisher does not know the command ${command.do}`);
    }
    const startedAt = Date.now();
    for (let index = 0; index < command.count; index += 1) {
      const accepted = port.publish(command.first + index);
      if (accepted !== undefined) {
        await accepted;
      }
      if (index % MESSAGES_PER_TURN === MESSAGES_PER_TURN - 1) {
        await nextTurn();
      }
    }
    await port.flush();
    say({ event: "sent", startedAt, endedAt: Date.now() });
  }
}

/** Calls the callee once and resolves with the sequence number in its answer. */
export type Call = (sequence: number) => Promise<number>;

/** Obeys `call` commands until standard input closes. */
export async function runCaller(call: Call): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do !== "call") {
      throw new RangeError(`a caller does not know the command ${command.do}`);
    }
    const end = command.first + command.count;
    const latenciesUs: number[] = [];
    let next = command.first;
    const callUntilDone = async (): Promise<void> => {
      while (next < end) {
        const sequence = next;
        next += 1;
        const before = performance.now();
        const answered = await call(sequence);
        latenciesUs.push((performance.now() - before) * 1000);
        if (answered !== sequence) {
          throw new Error(`call ${sequence} was answered with ${answered}`);
        }
      }
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: command.inFlight }, callUntilDone));
    const elapsedMs = performance.now() - began;
    say({
      event: "called",
      elapsedMs,
      latenciesUs: command.inFlight === 1 ? latenciesUs.map((us) => Math.round(us * 10) / 10) : [],
    });
  }
}
