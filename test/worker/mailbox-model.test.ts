/** Any life of a mailbox against a plain queue, item by item: bounds, order over priorities, what is dropped. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { TURNS_BEFORE_LOWER } from "../../src/core/prioritized-queue.ts";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";
import { Mailbox, type MailboxFullPolicy, type MailboxItem } from "../../src/worker/mailbox.ts";
import { type PlainItem, PlainQueue } from "../core/plain-queue.ts";

type Item = MailboxItem & PlainItem;

const MAX_MESSAGES = 60;
const MAX_BYTES = 120;

/** What a mailbox has to do, told step by step. */
class Model {
  readonly policy: MailboxFullPolicy;
  readonly concurrency: number;
  readonly queue = new PlainQueue<Item>(MAX_MESSAGES, MAX_BYTES);
  readonly started: number[] = [];
  readonly dropped: number[] = [];
  running: number[] = [];
  /** Those that would take an item and are held. */
  heldTakers = 0;
  isHeld = false;
  timesIdle = 0;
  offered = 0;
  #highsInARow = 0;
  #normalsInARow = 0;

  constructor(policy: MailboxFullPolicy, concurrency: number) {
    this.policy = policy;
    this.concurrency = concurrency;
  }

  offer(item: Item): void {
    if (!this.#accept(item)) {
      this.dropped.push(item.number);
    } else if (this.running.length + this.heldTakers < this.concurrency) {
      this.take();
    }
  }

  take(): void {
    if (this.isHeld) {
      this.heldTakers += 1;
      return;
    }
    const waited = [...this.queue.items];
    const item = this.queue.shift();
    if (item === undefined) {
      // Nobody waits any more, so a row of urgent ones is over, too.
      this.#highsInARow = 0;
      this.#normalsInARow = 0;
      this.timesIdle += this.running.length + this.heldTakers === 0 ? 1 : 0;
      return;
    }
    this.#checkShare(item, waited);
    this.running.push(item.number);
    this.started.push(item.number);
  }

  #accept(item: Item): boolean {
    if (this.queue.push(item)) {
      return true;
    }
    if (this.policy !== "drop-oldest" || !item.canPushOut || item.bytes > MAX_BYTES) {
      return false;
    }
    while (!this.queue.push(item)) {
      const oldest = this.queue.dropOldest(item.priority);
      if (oldest === undefined) {
        return false;
      }
      this.dropped.push(oldest.number);
    }
    return true;
  }

  /** Nothing starves: said without the counters that the queues have. */
  #checkShare({ priority }: Item, waited: readonly Item[]): void {
    const waits = (...those: readonly Priority[]): boolean =>
      waited.some((one) => those.includes(one.priority));
    const isHighFirst = priority === "high" && waits("normal", "low");
    this.#highsInARow = isHighFirst ? this.#highsInARow + 1 : 0;
    expect(this.#highsInARow).toBeLessThanOrEqual(TURNS_BEFORE_LOWER.high);
    if (priority === "low" || !waits("low")) {
      this.#normalsInARow = 0;
    } else if (priority === "normal") {
      this.#normalsInARow += 1;
    }
    expect(this.#normalsInARow).toBeLessThanOrEqual(TURNS_BEFORE_LOWER.normal);
  }
}

/** The mailbox, with a handler that ends when it is told to. */
class Real {
  readonly mailbox: Mailbox<Item>;
  readonly running = new Map<number, () => void>();
  readonly started: number[] = [];
  readonly dropped: number[] = [];
  readonly releases: (() => void)[] = [];
  timesIdle = 0;

  constructor(policy: MailboxFullPolicy, concurrency: number) {
    this.mailbox = new Mailbox<Item>({
      limits: { maxMessages: MAX_MESSAGES, maxBytes: MAX_BYTES },
      policy,
      concurrency,
      handle: async ({ number }) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.started.push(number);
        this.running.set(number, resolve);
        await promise;
        this.running.delete(number);
      },
      onDropped: ({ number }) => this.dropped.push(number),
      onIdle: () => {
        this.timesIdle += 1;
      },
    });
  }
}

/** Waits until the mailbox has done everything that it does by itself, and compares. */
async function compare(model: Model, real: Real): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  expect(real.started).toEqual(model.started);
  expect(real.dropped).toEqual(model.dropped);
  expect([...real.running.keys()].sort()).toEqual([...model.running].sort());
  expect(real.mailbox.length).toBe(model.queue.items.length);
  expect(real.timesIdle).toBe(model.timesIdle);
  const takers = model.running.length + model.heldTakers;
  expect(real.mailbox.isIdle).toBe(takers === 0 && model.queue.items.length === 0);
}

type Step = fc.AsyncCommand<Model, Real>;

/** A command by what it does; its name is what a failure shows. */
function step(
  name: string,
  run: (model: Model, real: Real) => Promise<void> | void,
  check: (model: Readonly<Model>) => boolean = () => true,
): Step {
  return {
    check,
    run: async (model, real) => {
      await run(model, real);
      await compare(model, real);
    },
    toString: () => name,
  };
}

const offer = fc
  .record({
    priority: fc.constantFrom(...PRIORITIES),
    bytes: fc.constantFrom(1, 1, 1, 1, 1, 1, 5, MAX_BYTES, MAX_BYTES + 1),
    canPushOut: fc.boolean(),
    times: fc.constantFrom(1, 1, 3, 40),
  })
  .map(({ times, ...item }) =>
    step(`offer ${times} ${JSON.stringify(item)}`, async (model, real) => {
      for (let left = times; left > 0; left -= 1) {
        model.offered += 1;
        const offered: Item = { ...item, number: model.offered, isKept: false };
        model.offer(offered);
        real.mailbox.offer(offered);
        // The first of a burst may be taken before the next one comes, or not: here it is.
        await compare(model, real);
      }
    }),
  );

const finish = fc.record({ which: fc.nat(20), times: fc.constantFrom(1, 1, 5, 45) }).map((one) =>
  step(
    `finish ${one.times} from ${one.which}`,
    async (model, real) => {
      for (let left = one.times; left > 0 && model.running.length > 0; left -= 1) {
        const [number = 0] = model.running.splice(one.which % model.running.length, 1);
        model.take();
        real.running.get(number)?.();
        await compare(model, real);
      }
    },
    ({ running }) => running.length > 0,
  ),
);

/** A second hold takes the place of the first. */
const hold = step("hold", (model, real) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  model.isHeld = true;
  real.releases.push(resolve);
  real.mailbox.hold(promise);
});

/** A hold that another took the place of does not matter any more. */
const releaseFormer = step("release the former of two holds", (_, real) => {
  if (real.releases.length > 1) {
    real.releases.shift()?.();
  }
});

const release = step("release", (model, real) => {
  model.isHeld = false;
  for (const one of real.releases.splice(0)) {
    one();
  }
  for (let left = model.heldTakers; left > 0; left -= 1) {
    model.heldTakers -= 1;
    model.take();
  }
});

const clear = step("clear", (model, real) => {
  model.dropped.push(...model.queue.drain().map(({ number }) => number));
  real.mailbox.clear();
});

test("mailbox model - offers, ends, holds and clears in any order do what a plain queue does, and end idle", async () => {
  const commands = fc.commands<Model, Real, false>(
    [
      offer,
      finish,
      finish,
      ...[hold, releaseFormer, release, clear].map((one) => fc.constant(one)),
    ],
    { maxCommands: 60, size: "max" },
  );
  const policy = fc.constantFrom<MailboxFullPolicy>("drop-oldest", "drop-newest");
  const concurrency = fc.integer({ min: 1, max: 3 });
  await fc.assert(
    fc.asyncProperty(commands, policy, concurrency, async (steps, ...rules) => {
      const [model, real] = [new Model(...rules), new Real(...rules)];
      await fc.asyncModelRun(() => ({ model, real }), steps);
      await release.run(model, real);
      while (model.running.length > 0) {
        real.running.get(model.running.shift() ?? 0)?.();
        model.take();
        await compare(model, real);
      }
      expect(real.mailbox.isIdle).toBe(true);
      expect(model.started.length + model.dropped.length).toBe(model.offered);
    }),
    { numRuns: 500 },
  );
}, 60_000);
