import { expect, test } from "bun:test";
import fc from "fast-check";
import { PrioritizedQueue, TURNS_BEFORE_LOWER } from "../../src/core/prioritized-queue.ts";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";
import { type PlainItem, PlainQueue } from "./plain-queue.ts";

const priority = fc.constantFrom(...PRIORITIES);
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant("push" as const),
      priority,
      bytes: fc.oneof(fc.nat(20), fc.constant(500)),
      isKept: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("shift" as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("dropOldest" as const), priority }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("drain" as const) }) },
);

test("prioritized queue - agrees with a plain list after any steps", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 300, size: "max" }),
      fc.integer({ min: 1, max: 80 }),
      fc.integer({ min: 1, max: 400 }),
      (steps, maxMessages, maxBytes) => {
        const queue = new PrioritizedQueue<PlainItem>({ maxMessages, maxBytes });
        const reference = new PlainQueue(maxMessages, maxBytes);
        for (const [number, one] of steps.entries()) {
          switch (one.act) {
            case "push": {
              const item = { number, bytes: one.bytes, priority: one.priority, isKept: one.isKept };
              const isTaken = reference.push(item);
              expect(queue.hasRoomFor(item.bytes)).toBe(isTaken);
              expect(queue.push(item, item.bytes, item.priority, item.isKept)).toBe(isTaken);
              break;
            }
            case "shift":
              expect(queue.shift()).toEqual(reference.shift() as PlainItem);
              break;
            case "dropOldest":
              expect(queue.dropOldest(one.priority)).toEqual(
                reference.dropOldest(one.priority) as PlainItem,
              );
              break;
            case "drain":
              expect([...queue.drain()]).toEqual(reference.drain());
              break;
            default:
              throw one satisfies never;
          }
          expect([queue.length, queue.bytes]).toEqual([reference.items.length, reference.bytes]);
        }
      },
    ),
    { numRuns: 200 },
  );
});

function filled(counts: Readonly<Record<Priority, number>>): PrioritizedQueue<string> {
  const queue = new PrioritizedQueue<string>({ maxMessages: 100_000, maxBytes: 100_000 });
  for (const lane of PRIORITIES) {
    for (let number = 0; number < counts[lane]; number += 1) {
      queue.push(`${lane} ${number}`, 1, lane);
    }
  }
  return queue;
}

function take(queue: PrioritizedQueue<string>, count: number): string[] {
  return Array.from({ length: count }, () => queue.shift() ?? "nothing");
}

test("prioritized queue - high overtakes all that waits, and each lane keeps its order", () => {
  const queue = filled({ high: 2, normal: 2, low: 2 });
  expect(take(queue, 7)).toEqual([
    "high 0",
    "high 1",
    "normal 0",
    "normal 1",
    "low 0",
    "low 1",
    "nothing",
  ]);
});

test("prioritized queue - a lane that never empties does not starve the lower ones", () => {
  const queue = filled({ high: 5_000, normal: 5_000, low: 5_000 });
  const taken = take(queue, (TURNS_BEFORE_LOWER.high + 1) * (TURNS_BEFORE_LOWER.normal + 1));
  const count = (lane: Priority): number => taken.filter((item) => item.startsWith(lane)).length;
  expect([count("high"), count("normal"), count("low")]).toEqual([
    TURNS_BEFORE_LOWER.high * (TURNS_BEFORE_LOWER.normal + 1),
    TURNS_BEFORE_LOWER.normal,
    1,
  ]);
});

test("prioritized queue - holds no more than its limits in messages and in bytes", () => {
  const queue = new PrioritizedQueue<number>({ maxMessages: 3, maxBytes: 10 });
  expect([4, 6, 1].map((bytes) => queue.push(bytes, bytes, "high"))).toEqual([true, true, false]);
  expect([queue.length, queue.bytes]).toEqual([2, 10]);
  queue.shift();
  expect([2, 2, 2].map((bytes) => queue.push(bytes, bytes, "low"))).toEqual([true, true, false]);
  expect(queue.shift()).toBe(6);
  expect([2, 2].map((bytes) => queue.push(bytes, bytes, "low"))).toEqual([true, false]);
  expect([queue.length, queue.bytes]).toEqual([3, 6]);
});

test("prioritized queue - what is larger than all its bytes fits only when it is empty", () => {
  const queue = new PrioritizedQueue<string>({ maxMessages: 3, maxBytes: 10 });
  expect(queue.push("large", 1_000, "normal")).toBe(true);
  expect(queue.push("small", 1, "high")).toBe(false);
  expect(queue.shift()).toBe("large");
  expect(queue.push("small", 1, "high")).toBe(true);
  expect(queue.push("large", 1_000, "normal")).toBe(false);
});

test("prioritized queue - dropping spares what is more urgent", () => {
  const queue = filled({ high: 1, normal: 2, low: 1 });
  expect(
    ["normal", "normal", "normal", "normal", "low", "high", "high"].map(
      (lane) => queue.dropOldest(lane as Priority) ?? "nothing",
    ),
  ).toEqual(["low 0", "normal 0", "normal 1", "nothing", "nothing", "high 0", "nothing"]);
});

test("prioritized queue - a long-lived lane keeps its order past its compaction", () => {
  const queue = new PrioritizedQueue<number>({ maxMessages: 10_000, maxBytes: 100_000 });
  let pushed = 0;
  let shifted = 0;
  for (let round = 0; round < 50; round += 1) {
    for (let number = 0; number < 150; number += 1) {
      queue.push(pushed, 1, "normal");
      pushed += 1;
    }
    for (let number = 0; number < 120; number += 1) {
      expect(queue.shift()).toBe(shifted);
      shifted += 1;
    }
  }
  expect([...queue.drain()]).toEqual(Array.from({ length: 1_500 }, (_, at) => shifted + at));
});
