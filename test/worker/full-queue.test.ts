/** What becomes of batches for a busy agent, by what the host says of their topics. */
import { describe, expect, test } from "bun:test";
import {
  type DeadLetter,
  defineAgent,
  defineBytes,
  SingleThreadedAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import fc from "fast-check";
import type { EventBatch } from "../../src/core/event-batch.ts";
import { FULL_QUEUE_POLICIES, type FullQueuePolicy } from "../../src/core/full-queue.ts";
import { encodeExtras, recordLength, writeRecord } from "../../src/wire/link/records.ts";

const Numbered = defineBytes("Numbered");

class Receiving extends SingleThreadedAgentRuntime {
  get intake() {
    return this.dispatcher;
  }
}

interface Sent {
  readonly fullQueue: FullQueuePolicy;
  readonly numbers: readonly number[];
  readonly key?: string;
  /** True when its publisher chose ids. */
  readonly isNamed?: boolean;
  readonly priority?: "high" | "low";
  /** Set for a batch of a durable topic. */
  readonly cursor?: string;
}

let lastSequence = 0;

function batchOf({ fullQueue, numbers, key, isNamed, priority, cursor }: Sent): EventBatch {
  const sequence = lastSequence + 1;
  lastSequence += numbers.length;
  const records = numbers.map((n) => {
    const id = `named-${sequence}-${n}`;
    const extras = isNamed === true ? encodeExtras({ id, headers: {} }) : undefined;
    const bytes = new Uint8Array(recordLength(2, extras?.byteLength ?? 0));
    writeRecord(bytes, 0, Uint8Array.of(n & 0xff, n >> 8), extras);
    return bytes;
  });
  const headers = {
    ...(key === undefined ? {} : { retainkey: key }),
    ...(priority === undefined ? {} : { priority }),
  };
  return {
    kind: "batch",
    route: {
      ...{ topic: new TopicId(fullQueue, "s"), sender: undefined, headers, producer: "p" },
      ...{ dataType: Numbered.name, contentType: Numbered.contentType, fullQueue },
      receivers: cursor === undefined ? [] : ["x"],
      ...(cursor === undefined ? {} : { cursor }),
    },
    ...{ sequence, position: cursor === undefined ? 0 : 1 },
    ...{ count: numbers.length, records: Buffer.concat(records) },
  };
}

/** An agent whose handler of each message waits until the test lets it go on. */
async function slow(mailboxMaxMessages: number) {
  const seen: number[] = [];
  const letters: DeadLetter[] = [];
  let isFast = false;
  let goOn: (() => void) | undefined;
  let taken = 0;
  const runtime = new Receiving({
    mailboxMaxMessages,
    onDeadLetter: (letter) => letters.push(letter),
  });
  await runtime.registerFactory(
    "x",
    defineAgent({
      description: "",
      setup(agent) {
        agent.handleEvent(Numbered, ({ bytes: [low = 0, high = 0] }) => {
          seen.push(low + (high << 8));
          if (isFast) {
            return undefined;
          }
          const { promise, resolve } = Promise.withResolvers<void>();
          goOn = resolve;
          return promise;
        });
      },
    }),
  );
  for (const policy of FULL_QUEUE_POLICIES) {
    await runtime.addSubscription(new TypeSubscription(policy, "x"));
  }
  await runtime.start();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    ...{ runtime, seen, letters, settle },
    taken: () => taken,
    send: async (sent: Sent): Promise<void> => {
      runtime.intake.deliverBatch(batchOf(sent), () => {
        taken += 1;
      });
      await settle();
    },
    /** Ends the handler that is at work. */
    next: async (): Promise<void> => {
      goOn?.();
      await settle();
    },
    finish: async (): Promise<void> => {
      isFast = true;
      goOn?.();
      await runtime.intake.idle();
      await runtime.stop();
    },
    reasons: (): string[] => letters.map(({ reason }) => reason),
  };
}

const latest = (...numbers: number[]): Sent => ({ fullQueue: "keep-latest", numbers });
const oldest = (...numbers: number[]): Sent => ({ fullQueue: "drop-oldest", numbers });
const block = (...numbers: number[]): Sent => ({ fullQueue: "block", numbers });

describe("full queue at the worker - keep-latest", () => {
  test("a busy agent gets the newest of each key next; the others are counted and said", async () => {
    const { runtime, seen, letters, send, next, finish, reasons, taken } = await slow(100);
    await send(latest(1));
    await send(latest(2, 3, 4));
    await send({ ...latest(10, 11), key: "k" });
    await send(latest(5));
    await send({ ...latest(12), key: "k", isNamed: true });
    expect([seen, taken()]).toEqual([[1], 5]);
    await next();
    expect(seen).toEqual([1, 5]);
    await finish();
    expect(seen).toEqual([1, 5, 12]);
    expect(reasons()).toEqual(Array(5).fill("SUPERSEDED"));
    expect(letters[0]?.detail).toStartWith("x/s: Agent x/s was busy, and a newer message");
    expect(runtime.counts).toMatchObject({ eventsIn: 8, handled: 3, shed: 5 });
  });

  test("a batch for a busy agent is taken at once, and the rest of one that made it busy waits as others do", async () => {
    const { seen, send, finish, taken } = await slow(4);
    await send(latest(1));
    await send(latest(...Array.from({ length: 100 }, (_, index) => index + 2)));
    expect(taken()).toBe(2);
    await finish();
    expect(seen).toEqual([1, 101]);
  });
});

describe("full queue at the worker - drop-oldest", () => {
  test("the oldest go when there is no room, and no batch waits for it", async () => {
    const { seen, send, finish, reasons, taken } = await slow(3);
    await send(oldest(1));
    await send(oldest(2, 3, 4, 5));
    await send(oldest(6));
    expect(taken()).toBe(3);
    await finish();
    expect(seen).toEqual([1, 4, 5, 6]);
    expect(reasons()).toEqual(["DROPPED_OLDEST", "DROPPED_OLDEST"]);
  });

  test("they make way for what does not, of any priority, and hold nobody back", async () => {
    const { seen, send, finish, reasons, taken } = await slow(4);
    await send(block(1));
    await send({ ...oldest(2, 3), priority: "high" });
    await send({ ...oldest(4, 5) });
    await send({ ...block(6), priority: "low" });
    await send(block(7));
    expect(reasons()).toEqual(["DROPPED_OLDEST", "DROPPED_OLDEST"]);
    await send(block(8));
    // Half of the mailbox is of what does not make way.
    expect([taken(), seen]).toEqual([5, [1]]);
    // There is none but more urgent ones to go for it.
    await send(latest(9));
    expect([taken(), reasons()]).toEqual([6, Array(3).fill("DROPPED_OLDEST")]);
    await finish();
    expect(seen).toEqual([1, 2, 3, 7, 6, 8]);
    expect(taken()).toBe(7);
  });
});

test("full queue at the worker - messages of other and of durable topics wait, and are all handled", async () => {
  const { seen, send, finish, letters, taken } = await slow(4);
  await send(block(1));
  await send(block(2, 3, 4, 5, 6));
  await send({ ...latest(7, 8, 9, 10, 11, 12), cursor: "c" });
  expect(taken()).toBe(1);
  await finish();
  expect([seen, letters]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], []]);
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      fullQueue: fc.constantFrom(...FULL_QUEUE_POLICIES),
      count: fc.integer({ min: 1, max: 8 }),
      key: fc.constantFrom("", "k"),
      isNamed: fc.boolean(),
      priority: fc.constantFrom(undefined, "high" as const, "low" as const),
    }),
  },
  { weight: 3, arbitrary: fc.constant("next" as const) },
);

test("property - full queue at the worker - each message is handled or said to be lost, once; what blocks is never lost; the newest of a key is handled", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 30, max: 60 }),
      async (steps, room) => {
        const { seen, letters, send, next, finish, taken } = await slow(room);
        const streams = new Map<string, number[]>();
        const lastOf = new Map<string, number>();
        let last = 0;
        let batches = 0;
        let blocking = 0;
        for (const one of steps) {
          if (one === "next") {
            await next();
            continue;
          }
          const { fullQueue, count, key, isNamed, priority } = one;
          // What is urgent takes the other half of a mailbox, and is lost when that is full.
          if (fullQueue === "block" && priority === "high" && blocking + count > room / 2) {
            continue;
          }
          const numbers = Array.from({ length: count }, (_, index) => last + index);
          last += count;
          batches += 1;
          blocking += fullQueue === "block" && priority === "high" ? count : 0;
          const stream = `${fullQueue} ${key} ${priority}`;
          streams.set(stream, [...(streams.get(stream) ?? []), ...numbers]);
          lastOf.set(`${fullQueue} ${key}`, last - 1);
          await send({
            ...{ fullQueue, numbers, isNamed },
            ...(key === "" ? {} : { key }),
            ...(priority === undefined ? {} : { priority }),
          });
        }
        await finish();
        expect(taken()).toBe(batches);
        expect(seen.length + letters.length).toBe(last);
        expect(new Set(seen).size).toBe(seen.length);
        expect(letters.filter(({ destination }) => destination === "block/s")).toEqual([]);
        for (const { reason, destination } of letters) {
          const ofOldest = destination === "drop-oldest/s";
          expect([reason, ofOldest && reason === "SUPERSEDED"]).toEqual([
            reason === "SUPERSEDED" ? "SUPERSEDED" : "DROPPED_OLDEST",
            false,
          ]);
        }
        for (const numbers of streams.values()) {
          const ofStream = new Set(numbers);
          const got = seen.filter((n) => ofStream.has(n));
          expect(got).toEqual(got.toSorted((a, b) => a - b));
        }
        if (!letters.some(({ reason }) => reason === "DROPPED_OLDEST")) {
          for (const [key, n] of lastOf) {
            expect([key, seen.includes(n)]).toEqual([key, true]);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
