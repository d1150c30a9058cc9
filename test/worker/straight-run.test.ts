/** Batches for agents that have nothing before them go past the mailboxes; nobody may notice but by its speed. */
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
import { NO_HEADERS } from "../../src/core/envelope.ts";
import type { EventBatch } from "../../src/core/event-batch.ts";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";
import { encodeExtras, recordLength, writeRecord } from "../../src/wire/link/records.ts";

const Numbered = defineBytes("Numbered");
const TOPIC = new TopicId("numbers", "s");

/** A runtime that takes batches as if a host had sent them. */
class Receiving extends SingleThreadedAgentRuntime {
  get intake() {
    return this.dispatcher;
  }
}

interface Seen {
  readonly agent: string;
  readonly n: number;
}

/** How a handler of `n` goes: it ends at once, later, or by an error at once or later. */
type Manner = "at once" | "later" | "throws" | "rejects";

const PRIORITY_HEADERS: Readonly<Record<Priority, Readonly<Record<string, string>>>> = {
  high: { priority: "high" },
  normal: NO_HEADERS,
  low: { priority: "low" },
};

let lastSequence = 0;

function batchOf(numbers: readonly number[], priority: Priority, named: boolean): EventBatch {
  const sequence = lastSequence + 1;
  lastSequence += numbers.length;
  const records = numbers.map((n) => {
    const extras = named ? encodeExtras({ id: `named-${n}`, headers: {} }) : undefined;
    const payload = Uint8Array.of(n & 0xff, n >> 8);
    const bytes = new Uint8Array(recordLength(2, extras?.byteLength ?? 0));
    writeRecord(bytes, 0, payload, extras);
    return bytes;
  });
  return {
    kind: "batch",
    route: {
      topic: TOPIC,
      sender: undefined,
      headers: PRIORITY_HEADERS[priority],
      dataType: Numbered.name,
      contentType: Numbered.contentType,
      producer: "p",
      receivers: [],
    },
    sequence,
    position: 0,
    count: numbers.length,
    records: Buffer.concat(records),
  };
}

async function receiving(types: readonly string[], mannerOf: (n: number) => Manner) {
  const seen: Seen[] = [];
  let inside = 0;
  let isCrowded = false;
  const letters: DeadLetter[] = [];
  const runtime = new Receiving({ onDeadLetter: (letter) => letters.push(letter) });
  for (const type of types) {
    await runtime.registerFactory(
      type,
      defineAgent({
        description: "",
        setup(agent) {
          let isBusy = false;
          agent.handleEvent(Numbered, ({ bytes: [low = 0, high = 0] }) => {
            const n = low + (high << 8);
            isCrowded ||= isBusy;
            seen.push({ agent: type, n });
            const manner = mannerOf(n);
            if (manner === "throws") {
              throw new Error(`no ${n}`);
            }
            if (manner === "at once") {
              return undefined;
            }
            isBusy = true;
            inside += 1;
            return Promise.resolve().then(() => {
              isBusy = false;
              inside -= 1;
              if (manner === "rejects") {
                throw new Error(`no ${n} later`);
              }
            });
          });
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("numbers", type));
  }
  await runtime.start();
  return { runtime, seen, letters, isCrowded: () => isCrowded, inside: () => inside };
}

const manners = fc.array(
  fc.constantFrom<Manner>("at once", "at once", "at once", "later", "throws", "rejects"),
  { minLength: 1, maxLength: 20 },
);
const turns = fc.array(
  fc.record({
    batches: fc.array(
      fc.record({
        count: fc.integer({ min: 1, max: 30 }),
        priority: fc.constantFrom(...PRIORITIES),
        named: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    isAwaited: fc.boolean(),
  }),
  { maxLength: 6 },
);

describe("straight run", () => {
  test("property - each agent gets each event once, alone, and in order within a priority, however handlers end", async () => {
    await fc.assert(
      fc.asyncProperty(turns, manners, async (script, cycle) => {
        const types = ["x", "y"];
        const mannerOf = (n: number): Manner => cycle[n % cycle.length] ?? "at once";
        const { runtime, seen, isCrowded } = await receiving(types, mannerOf);
        const byPriority: Record<Priority, number[]> = { high: [], normal: [], low: [] };
        let last = 0;
        let taken = 0;
        let batches = 0;
        for (const { batches: arriving, isAwaited } of script) {
          for (const { count, priority, named } of arriving) {
            const numbers = Array.from({ length: count }, (_, index) => last + index);
            last += count;
            batches += 1;
            byPriority[priority].push(...numbers);
            runtime.intake.deliverBatch(batchOf(numbers, priority, named), () => {
              taken += 1;
            });
          }
          await (isAwaited ? runtime.intake.idle() : Promise.resolve());
        }
        await runtime.intake.idle();
        const failed = Array.from({ length: last }, (_, n) => mannerOf(n)).filter(
          (manner) => manner === "throws" || manner === "rejects",
        ).length;
        for (const type of types) {
          const got = seen.filter(({ agent }) => agent === type).map(({ n }) => n);
          expect(got).toHaveLength(last);
          for (const priority of PRIORITIES) {
            const wanted = new Set(byPriority[priority]);
            expect(got.filter((n) => wanted.has(n))).toEqual(byPriority[priority]);
          }
        }
        expect(isCrowded()).toBe(false);
        expect(taken).toBe(batches);
        expect(runtime.counts).toMatchObject({
          eventsIn: last,
          handled: 2 * (last - failed),
          failed: 2 * failed,
          shed: 0,
        });
        await runtime.stop();
      }),
      { numRuns: 100 },
    );
  });

  test("what came in one turn is ordered by priority before the first is handled", async () => {
    const { runtime, seen } = await receiving(["x"], () => "at once");
    const taken: string[] = [];
    for (const [priority, n] of [
      ["low", 1],
      ["normal", 2],
      ["high", 3],
    ] as const) {
      runtime.intake.deliverBatch(batchOf([n], priority, false), () => taken.push(priority));
    }
    expect(seen).toEqual([]);
    await runtime.intake.idle();
    // The first message makes the instance; the others have waited for it in their order.
    expect(seen.map(({ n }) => n)).toEqual([3, 2, 1]);
    for (const [priority, n] of [
      ["low", 4],
      ["normal", 5],
      ["high", 6],
    ] as const) {
      runtime.intake.deliverBatch(batchOf([n], priority, false), () => taken.push(priority));
    }
    await Promise.resolve();
    expect(seen.map(({ n }) => n)).toEqual([3, 2, 1, 6, 5, 4]);
    expect(taken).toEqual(["high", "normal", "low", "high", "normal", "low"]);
    await runtime.stop();
  });

  test("an event that comes by another way in the same turn keeps its place behind the batch", async () => {
    const { runtime, seen } = await receiving(["x"], () => "at once");
    runtime.intake.deliverBatch(batchOf([1], "normal", false), () => undefined);
    await runtime.intake.idle();
    runtime.intake.deliverBatch(batchOf([2, 3], "normal", false), () => undefined);
    runtime.intake.deliverEvent({
      kind: "event",
      id: "alone",
      topic: TOPIC,
      sender: undefined,
      headers: NO_HEADERS,
      payload: {
        dataType: Numbered.name,
        contentType: Numbered.contentType,
        data: Uint8Array.of(4, 0),
      },
    });
    runtime.intake.deliverBatch(batchOf([5], "normal", false), () => undefined);
    await runtime.intake.idle();
    expect(seen.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    await runtime.stop();
  });

  test("an event with an id of its own that came before is left out of a batch", async () => {
    const { runtime, seen } = await receiving(["x"], () => "at once");
    for (const numbers of [[1], [1, 2], [2, 3]]) {
      runtime.intake.deliverBatch(batchOf(numbers, "normal", true), () => undefined);
      await runtime.intake.idle();
    }
    expect(seen.map(({ n }) => n)).toEqual([1, 2, 3]);
    await runtime.stop();
  });

  test("a runtime that begins to stop still handles what has arrived, and takes nothing after it", async () => {
    const { runtime, seen, letters } = await receiving(["x"], () => "at once");
    runtime.intake.deliverBatch(batchOf([1], "normal", false), () => undefined);
    await runtime.intake.idle();
    runtime.intake.deliverBatch(batchOf([2, 3], "normal", false), () => undefined);
    runtime.intake.refuse();
    runtime.intake.deliverBatch(batchOf([4, 5], "normal", false), () => undefined);
    await runtime.intake.idle();
    await Promise.resolve();
    expect(seen.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(letters.map(({ reason }) => reason)).toEqual(["WORKER_GONE", "WORKER_GONE"]);
    await runtime.stop();
  });

  test("a handler that begins to stop the runtime ends the run, and the rest is reported", async () => {
    let stop = (): void => undefined;
    const { runtime, seen, letters } = await receiving(["x"], (n) => {
      if (n === 3) {
        stop();
      }
      return "at once";
    });
    stop = () => runtime.intake.refuse();
    runtime.intake.deliverBatch(batchOf([1], "normal", false), () => undefined);
    await runtime.intake.idle();
    runtime.intake.deliverBatch(batchOf([2, 3, 4, 5], "normal", false), () => undefined);
    await Promise.resolve();
    expect(seen.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(letters).toHaveLength(2);
    await runtime.stop();
  });
});
