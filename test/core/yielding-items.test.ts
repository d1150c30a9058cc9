import { expect, test } from "bun:test";
import fc from "fast-check";
import { PrioritizedQueue } from "../../src/core/prioritized-queue.ts";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";
import { YieldingItems } from "../../src/core/yielding-items.ts";
import { type PlainItem, PlainQueue } from "./plain-queue.ts";

interface Item extends PlainItem {
  readonly isYielding: boolean;
  readonly key: string | undefined;
}

/** The plain reference: one list, looked through each time. */
class PlainYielding extends PlainQueue<Item> {
  readonly #maxBytes: number;
  /** Numbers in the order in which they count as old, which is that of the messages. */
  constructor(maxMessages: number, maxBytes: number) {
    super(maxMessages, maxBytes);
    this.#maxBytes = maxBytes;
  }

  offer(item: Item): string[] {
    const gone: string[] = [];
    const before = this.items.find((one) => item.key !== undefined && one.key === item.key);
    if (before !== undefined && before.priority === item.priority) {
      const fits = (): boolean =>
        this.items.length === 1 || this.bytes - before.bytes + item.bytes <= this.#maxBytes;
      while (item.bytes > before.bytes && !fits()) {
        const oldest = this.dropYielding(item.priority, before);
        if (oldest === undefined) {
          return [...gone, `oldest ${item.number}`];
        }
        gone.push(`oldest ${oldest.number}`);
      }
      this.items = this.items.map((one) => (one === before ? item : one));
      return [...gone, `superseded ${before.number}`];
    }
    if (before !== undefined) {
      this.items = this.items.filter((one) => one !== before);
      gone.push(`superseded ${before.number}`);
    }
    while (!this.push(item)) {
      const oldest = this.dropYielding(item.priority);
      if (oldest === undefined) {
        return [...gone, `oldest ${item.number}`];
      }
      gone.push(`oldest ${oldest.number}`);
    }
    return gone;
  }

  dropYielding(priority: Priority, but?: Item): Item | undefined {
    const lanes = PRIORITIES.slice(PRIORITIES.indexOf(priority)).toReversed();
    const candidates = this.items.filter((one) => one.isYielding && one !== but);
    const lane = lanes.find((one) => candidates.some((item) => item.priority === one));
    const oldest = candidates
      .filter((one) => one.priority === lane)
      .toSorted((a, b) => a.number - b.number)[0];
    this.items = this.items.filter((one) => one !== oldest);
    return oldest;
  }
}

const priority = fc.constantFrom(...PRIORITIES);
const bytes = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(60));
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant("yielding" as const),
      ...{ priority, bytes, key: fc.constantFrom(undefined, undefined, "a", "b", "c") },
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant("firm" as const), priority, bytes }),
  },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("shift" as const) }) },
);

test("property - yielding items - agree with a plain list after any steps", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200, size: "max" }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 120 }),
      (steps, maxMessages, maxBytes) => {
        const queue = new PrioritizedQueue<Item>({ maxMessages, maxBytes });
        const yielding = new YieldingItems(queue);
        const reference = new PlainYielding(maxMessages, maxBytes);
        for (const [number, one] of steps.entries()) {
          if (one.act === "shift") {
            const item = queue.shift();
            if (item !== undefined) {
              yielding.taken(item, item.priority);
            }
            expect(item).toEqual(reference.shift() as Item);
          } else if (one.act === "yielding") {
            const item: Item = { ...one, number, isKept: false, isYielding: true };
            const dropped = yielding.offer({ ...one, item, messages: 1 });
            expect(dropped.map(({ item: gone, reason }) => `${reason} ${gone.number}`)).toEqual(
              reference.offer(item),
            );
          } else {
            const item: Item = { ...one, number, isKept: true, isYielding: false, key: undefined };
            while (!queue.push(item, item.bytes, item.priority, true)) {
              const dropped = yielding.dropOldest(item.priority);
              expect(dropped).toEqual(reference.dropYielding(item.priority) as Item);
              if (dropped === undefined) {
                break;
              }
            }
            reference.push(item);
          }
          const makesWay = reference.items.filter((item) => item.isYielding);
          expect([queue.length, queue.bytes, yielding.messages, yielding.bytes]).toEqual([
            ...[reference.items.length, reference.bytes, makesWay.length],
            makesWay.reduce((sum, item) => sum + item.bytes, 0),
          ]);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("yielding items - a queue that nothing is taken from stays as large as its limits under a flood", () => {
  const queue = new PrioritizedQueue<{ readonly data: WeakRef<object> }>({
    ...{ maxMessages: 100, maxBytes: 1_000_000 },
  });
  const yielding = new YieldingItems(queue);
  const firm = { data: new WeakRef({}) };
  queue.push(firm, 1, "normal", true);
  let gone = 0;
  for (let number = 0; number < 100_000; number += 1) {
    const item = { data: new WeakRef({}) };
    const key = number % 3 === 0 ? "same" : undefined;
    gone += yielding.offer({ item, bytes: 1, priority: "normal", messages: 1, key }).length;
  }
  expect([queue.length, gone]).toEqual([100, 100_000 - 99]);
  expect(queue.shift()).toBe(firm);
});
