/**
 * Any life of a supervised agent type against a plain account of it, on a clock that only the test moves:
 * time limits, instances made anew after pauses that grow, and the circuit that opens and closes.
 */
import { afterEach, beforeEach, expect, jest, spyOn, test } from "bun:test";
import fc from "fast-check";
import { supervised, WAYS, type Way } from "./supervision-kit.ts";

/** All times are whole ticks, so that nothing in the account lies between two looks. */
const TICK_MS = 50;
const TIME_LIMIT_MS = 200;
/** How long the runtime waits for a handler that was told to end. */
const GRACE_MS = 250;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 400;
const OPEN_FOR_MS = 500;
/** What the random length of a pause is here. */
const JITTER = 0.5;

interface Rules {
  /** 0 for none. */
  readonly restartAfter: number;
  /** 0 for none. */
  readonly circuitAfter: number;
  readonly withStore: boolean;
}

type Outcome = string | { readonly count: number; readonly instance: number };

interface Busy {
  readonly number: number;
  readonly how: "obeys" | "never";
  readonly step: "in its time" | "told to end";
  readonly untilMs: number;
}

/** The plain account. */
class Model {
  readonly outcomes = new Map<number, Outcome>();
  readonly counts = { handled: 0, failed: 0, timedOut: 0, restarts: 0, refused: 0 };
  circuit: "closed" | "open" | "half-open" = "closed";
  circuitOpened = 0;
  asked = 0;
  #nowMs = 0;
  #waiting: { readonly number: number; readonly how: Way }[] = [];
  #busy: Busy | undefined;
  #count = 0;
  #instances = 0;
  #isLiving = false;
  #failuresInARow = 0;
  #circuitFailures = 0;
  #openedAtMs = 0;
  #restingUntilMs = 0;
  #pausesInARow = 0;
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  get instances(): number {
    return this.#instances;
  }

  get isQuiet(): boolean {
    return this.#waiting.length === 0 && this.#busy === undefined;
  }

  ask(how: Way): void {
    this.asked += 1;
    this.#waiting.push({ number: this.asked, how });
    this.#goOn();
  }

  tick(): void {
    this.#nowMs += TICK_MS;
    this.#goOn();
  }

  #goOn(): void {
    for (;;) {
      if (this.#busy !== undefined) {
        if (this.#nowMs < this.#busy.untilMs) {
          return;
        }
        this.#timeIsUp(this.#busy);
      } else if (this.#nowMs < this.#restingUntilMs) {
        return;
      } else {
        const next = this.#waiting.shift();
        if (next === undefined) {
          return;
        }
        this.#handle(next.number, next.how);
      }
    }
  }

  #handle(number: number, how: Way): void {
    if (this.circuit === "open") {
      if (this.#nowMs - this.#openedAtMs < OPEN_FOR_MS) {
        this.counts.refused += 1;
        this.outcomes.set(number, "CIRCUIT_OPEN");
        return;
      }
      this.circuit = "half-open";
    }
    if (!this.#isLiving) {
      this.#isLiving = true;
      this.#instances += 1;
    }
    switch (how) {
      case "well":
        this.#count += 1;
        this.counts.handled += 1;
        this.outcomes.set(number, { count: this.#count, instance: this.#instances });
        this.#failuresInARow = 0;
        this.#pausesInARow = 0;
        this.#circuitFailures = 0;
        this.circuit = "closed";
        return;
      case "badly":
        this.outcomes.set(number, "HANDLER_FAILED");
        this.#failed(false);
        return;
      default:
        this.#busy = { number, how, step: "in its time", untilMs: this.#nowMs + TIME_LIMIT_MS };
    }
  }

  #timeIsUp(busy: Busy): void {
    if (busy.step === "told to end") {
      this.#busy = undefined;
      this.#failed(true);
      return;
    }
    this.outcomes.set(busy.number, "DEADLINE");
    this.counts.timedOut += 1;
    if (busy.how === "never") {
      this.counts.failed += 1;
      this.#busy = { ...busy, step: "told to end", untilMs: this.#nowMs + GRACE_MS };
    } else {
      // It does its work late; the caller has been told, the state is as it left it.
      this.#count += 1;
      this.#busy = undefined;
      this.#failed(false);
    }
  }

  #failed(isHung: boolean): void {
    const { restartAfter, circuitAfter } = this.#rules;
    this.counts.failed += isHung ? 0 : 1;
    this.#failuresInARow += 1;
    if (isHung || (restartAfter > 0 && this.#failuresInARow >= restartAfter)) {
      this.#restart();
    }
    this.#circuitFailures += 1;
    const isOverdrawn = circuitAfter > 0 && this.#circuitFailures >= circuitAfter;
    if (this.circuit === "half-open" || (this.circuit === "closed" && isOverdrawn)) {
      this.circuit = "open";
      this.circuitOpened += 1;
      this.#openedAtMs = this.#nowMs;
    }
  }

  #restart(): void {
    this.counts.restarts += 1;
    this.#failuresInARow = 0;
    this.#isLiving = false;
    if (this.#rules.restartAfter > 0) {
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#pausesInARow, LONGEST_PAUSE_MS);
      this.#pausesInARow += 1;
      this.#restingUntilMs = this.#nowMs + longest * JITTER;
    }
  }
}

/** The real thing, and what its callers have heard. */
class Real {
  readonly outcomes = new Map<number, Outcome>();
  readonly agent: Awaited<ReturnType<typeof supervised>>;
  #asked = 0;

  constructor(agent: Awaited<ReturnType<typeof supervised>>) {
    this.agent = agent;
  }

  ask(how: Way): void {
    this.#asked += 1;
    const number = this.#asked;
    this.agent.ask(how).then(
      (answer) => this.outcomes.set(number, { ...(answer ?? { count: 0, instance: 0 }) }),
      (error: { readonly code: string }) => this.outcomes.set(number, error.code),
    );
  }
}

async function compare(model: Model, real: Real): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(Object.fromEntries(real.outcomes)).toEqual(Object.fromEntries(model.outcomes));
  const report = real.agent.report();
  expect(report).toMatchObject({ ...model.counts, circuitOpened: model.circuitOpened });
  expect(real.agent.seen.instances).toBe(model.instances);
}

async function pass(model: Model, real: Real, ticks: number): Promise<void> {
  for (let left = ticks; left > 0; left -= 1) {
    jest.advanceTimersByTime(TICK_MS);
    model.tick();
    await compare(model, real);
  }
}

class AskIt implements fc.AsyncCommand<Model, Real> {
  readonly #how: Way;
  constructor(how: Way) {
    this.#how = how;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    model.ask(this.#how);
    real.ask(this.#how);
    await compare(model, real);
  }
  toString = (): string => this.#how;
}

class Pass implements fc.AsyncCommand<Model, Real> {
  readonly #ticks: number;
  constructor(ticks: number) {
    this.#ticks = ticks;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    await pass(model, real, this.#ticks);
  }
  toString = (): string => `${this.#ticks} ticks`;
}

beforeEach(() => {
  jest.useFakeTimers();
  spyOn(Math, "random").mockReturnValue(JITTER);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test("supervision model - outcomes, counts, instances and the circuit are what a plain account says, tick by tick", async () => {
  const commands = fc.commands<Model, Real, false>(
    [
      fc.constantFrom<Way>(...WAYS, "well", "badly", "badly").map((how) => new AskIt(how)),
      fc.constantFrom(1, 1, 2, 5, 10).map((ticks) => new Pass(ticks)),
    ],
    { maxCommands: 40, size: "max" },
  );
  const rules = fc.record({
    restartAfter: fc.nat(3),
    circuitAfter: fc.nat(4),
    withStore: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(commands, rules, async (steps, rule) => {
      const { restartAfter, circuitAfter } = rule;
      const agent = await supervised(
        {
          handlerTimeoutMs: TIME_LIMIT_MS,
          restart: restartAfter > 0 && {
            afterFailures: restartAfter,
            backoffInitialMs: FIRST_PAUSE_MS,
            backoffMaxMs: LONGEST_PAUSE_MS,
          },
          circuit: circuitAfter > 0 && { afterFailures: circuitAfter, openForMs: OPEN_FOR_MS },
        },
        rule.withStore,
      );
      const [model, real] = [new Model(rule), new Real(agent)];
      await fc.asyncModelRun(() => ({ model, real }), steps);
      while (!model.isQuiet) {
        await pass(model, real, 1);
      }
      // Whatever happened, it recovers by itself, and no count is lost.
      await pass(model, real, Math.max(OPEN_FOR_MS, LONGEST_PAUSE_MS) / TICK_MS);
      await new AskIt("well").run(model, real);
      expect(real.outcomes.get(model.asked)).toMatchObject({ count: expect.any(Number) });
      expect(agent.report().circuit).toBe(circuitAfter > 0 ? "closed" : "none");
      await agent.runtime.stop();
    }),
    { numRuns: 150 },
  );
}, 120_000);
