import { setImmediate as nextTurn } from "node:timers/promises";
import { epochMs } from "./clock.ts";
import { commands, say, unknownCommand } from "./command-lines.ts";

/** What a system under test offers a publisher. */
export interface PublisherPort {
  /** `index` counts from 0 in each round and chooses among topics. */
  publish(sequence: number, index: number): Promise<void> | undefined;
  /** Resolves when everything published so far has left this process, where the system can tell. */
  flush(): Promise<void>;
}

/** Obeys `send` commands until standard input closes. */
export async function runPublisher(port: PublisherPort): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do !== "send") {
      throw unknownCommand("a publisher", command);
    }
    const { first, count, perTurn } = command;
    const startedAt = epochMs();
    if (command.loop === "each") {
      await publishEach(port, first, count);
    } else {
      await publishBursts(port, first, count, perTurn);
    }
    await port.flush();
    say({ event: "sent", startedAt, endedAt: epochMs() });
  }
}

/** What a person writes who never heard of batches. */
async function publishEach(port: PublisherPort, first: number, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await port.publish(first + index, index);
  }
}

/** Publishes without waiting, and once in a burst waits for what was promised and gives the event loop a turn. */
async function publishBursts(
  port: PublisherPort,
  first: number,
  count: number,
  perTurn: number,
): Promise<void> {
  const accepted: Promise<void>[] = [];
  for (let index = 0; index < count; ) {
    const end = Math.min(index + perTurn, count);
    for (; index < end; index += 1) {
      const promise = port.publish(first + index, index);
      if (promise !== undefined) {
        accepted.push(promise);
      }
    }
    await Promise.all(accepted);
    accepted.length = 0;
    await nextTurn();
  }
}

/** Calls the callee once and resolves with the sequence number in its answer. */
export type Call = (sequence: number) => Promise<number>;

/** Obeys `call` commands until standard input closes. */
export async function runCaller(call: Call): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do !== "call") {
      throw unknownCommand("a caller", command);
    }
    await sayRounds(command, async (sequence) => {
      const answered = await call(sequence);
      if (answered !== sequence) {
        throw new Error(`call ${sequence} was answered with ${answered}`);
      }
    });
  }
}

/** What a system offers a publisher of messages that are kept. */
export interface StorePort {
  /** Publishes one message and resolves when the system says that it is stored. */
  store(sequence: number): Promise<void>;
  /** How many messages it keeps; undefined when it cannot be asked. */
  countStored?(): Promise<number>;
}

/** Obeys `store` and `audit` commands until standard input closes. */
export async function runStorer(port: StorePort): Promise<void> {
  say({ event: "ready" });
  for await (const command of commands()) {
    if (command.do === "store") {
      await sayRounds(command, async (sequence) => await port.store(sequence));
    } else if (command.do === "audit") {
      say({ event: "audited", stored: (await port.countStored?.()) ?? null });
    } else {
      throw unknownCommand("a storing publisher", command);
    }
  }
}

interface Rounds {
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
}

/** Keeps so many in flight until all are done, and says how long it took, and each one if it is alone. */
async function sayRounds(
  { first, count, inFlight }: Rounds,
  doOne: (sequence: number) => Promise<void>,
): Promise<void> {
  const end = first + count;
  const latenciesUs: number[] = [];
  let next = first;
  const doUntilDone = async (): Promise<void> => {
    while (next < end) {
      const sequence = next;
      next += 1;
      const before = performance.now();
      await doOne(sequence);
      latenciesUs.push((performance.now() - before) * 1000);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: inFlight }, doUntilDone));
  const elapsedMs = performance.now() - began;
  say({
    event: "called",
    elapsedMs,
    latenciesUs: inFlight === 1 ? latenciesUs.map((us) => Math.round(us * 10) / 10) : [],
  });
}
