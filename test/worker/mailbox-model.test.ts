import { expect, test } from "bun:test";
import fc from "fast-check";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";
import { Mailbox, type MailboxItem } from "../../src/worker/mailbox.ts";

interface Item extends MailboxItem {
  readonly n: number;
}

const MAX_MESSAGES = 6;

/** What a mailbox has to be, in plain lists. Its order over priorities is the queue's own test. */
interface Model {
  readonly concurrency: number;
  waiting: Item[];
  running: Item[];
  handled: number;
  dropped: number;
  isHeld: boolean;
  offered: number;
}

/** The mailbox, with a handler that ends when it is told to. */
class Real {
  readonly mailbox: Mailbox<Item>;
  readonly running = new Map<number, () => void>();
  readonly started: Item[] = [];
  readonly dropped: Item[] = [];
  handled = 0;
  release: (() => void) | undefined;

  constructor(concurrency: number) {
    this.mailbox = new Mailbox<Item>({
      limits: { maxMessages: MAX_MESSAGES, maxBytes: 1_000 },
      policy: "drop-newest",
      concurrency,
      handle: async (item) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.started.push(item);
        this.running.set(item.n, resolve);
        await promise;
        this.running.delete(item.n);
        this.handled += 1;
      },
      onDropped: (item) => this.dropped.push(item),
    });
  }
}

/** Everything that a mailbox does by itself has been done. */
async function settle(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Moves in the model what the mailbox has begun, and checks that it was its turn. */
function follow(model: Model, real: Real): void {
  const begun = real.started.splice(0);
  if (model.isHeld) {
    expect(begun).toEqual([]);
  }
  for (const item of begun) {
    const sameLane = model.waiting.filter(({ priority }) => priority === item.priority);
    expect(sameLane[0]?.n).toBe(item.n);
    model.waiting = model.waiting.filter(({ n }) => n !== item.n);
    model.running.push(item);
  }
  expect(real.running.size).toBe(model.running.length);
  expect(model.running.length).toBeLessThanOrEqual(model.concurrency);
  if (!model.isHeld) {
    // Nothing waits while there is room to run it.
    expect(model.waiting.length === 0 || model.running.length === model.concurrency).toBe(true);
  }
  expect(real.mailbox.length).toBe(model.waiting.length);
  expect([real.handled, real.dropped.length]).toEqual([model.handled, model.dropped]);
  expect(model.handled + model.dropped + model.waiting.length + model.running.length).toBe(
    model.offered,
  );
}

type Step = fc.AsyncCommand<Model, Real>;

class Offer implements Step {
  readonly #priority: Priority;
  constructor(priority: Priority) {
    this.#priority = priority;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const item: Item = { n: model.offered, priority: this.#priority, bytes: 1, canPushOut: true };
    model.offered += 1;
    if (model.waiting.length < MAX_MESSAGES) {
      model.waiting.push(item);
    } else {
      model.dropped += 1;
    }
    real.mailbox.offer(item);
    await settle();
    follow(model, real);
  }
  toString = (): string => `offer ${this.#priority}`;
}

class Finish implements Step {
  readonly #which: number;
  constructor(which: number) {
    this.#which = which;
  }
  check = (model: Readonly<Model>): boolean => model.running.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const [item] = model.running.splice(this.#which % model.running.length, 1);
    model.handled += 1;
    real.running.get(item?.n ?? -1)?.();
    await settle();
    follow(model, real);
  }
  toString = (): string => `finish ${this.#which}`;
}

class Hold implements Step {
  check = (model: Readonly<Model>): boolean => !model.isHeld;
  async run(model: Model, real: Real): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    model.isHeld = true;
    real.release = resolve;
    real.mailbox.hold(promise);
    await settle();
    follow(model, real);
  }
  toString = (): string => "hold";
}

class Release implements Step {
  check = (model: Readonly<Model>): boolean => model.isHeld;
  async run(model: Model, real: Real): Promise<void> {
    model.isHeld = false;
    real.release?.();
    await settle();
    follow(model, real);
  }
  toString = (): string => "release";
}

class Clear implements Step {
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    model.dropped += model.waiting.length;
    model.waiting = [];
    real.mailbox.clear();
    await settle();
    follow(model, real);
  }
  toString = (): string => "clear";
}

test("mailbox - offers, ends, holds and clears in any order follow a plain model, and it ends idle", async () => {
  const commands = fc.commands<Model, Real, false>(
    [
      fc.constantFrom(...PRIORITIES).map((priority) => new Offer(priority)),
      fc.nat(20).map((which) => new Finish(which)),
      fc.constant(new Hold()),
      fc.constant(new Release()),
      fc.constant(new Clear()),
    ],
    { maxCommands: 60, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, fc.integer({ min: 1, max: 3 }), async (steps, concurrency) => {
      const real = new Real(concurrency);
      const model: Model = {
        concurrency,
        waiting: [],
        running: [],
        handled: 0,
        dropped: 0,
        isHeld: false,
        offered: 0,
      };
      await fc.asyncModelRun(() => ({ model, real }), steps);
      real.release?.();
      model.isHeld = false;
      await settle();
      follow(model, real);
      while (model.running.length > 0) {
        await new Finish(0).run(model, real);
      }
      expect(real.mailbox.isIdle).toBe(true);
    }),
    { numRuns: 100 },
  );
}, 60_000);
