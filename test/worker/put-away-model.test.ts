/**
 * Instances that are made, kept busy, put away when they are idle or their place is needed, and made again,
 * against a plain account on a clock that only the test moves.
 */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import {
  AgentId,
  createMemoryStore,
  defineAgent,
  defineMessage,
  type JsonValue,
  SingleThreadedAgentRuntime,
} from "agentrt";
import fc from "fast-check";
import * as v from "valibot";

const Add = defineMessage("Add", v.object({ waits: v.boolean() }));
const Sum = defineMessage("Sum", v.object({ sum: v.number() }));

const KEYS = ["a", "b", "c", "d", "e"] as const;
type Key = (typeof KEYS)[number];
const TICK_MS = 100;
/** Between two ticks, so that nothing depends on what happens first at one. */
const IDLE_MS = 250;

interface Instance {
  sum: number;
  /** The message that is handled and waits for its gate. */
  stuck: number | undefined;
  readonly waiting: { readonly number: number; readonly waits: boolean }[];
  idleSinceMs: number;
}

class Model {
  readonly outcomes = new Map<number, number | string>();
  /** Of those that are there, longest idle first. */
  readonly living = new Map<Key, Instance>();
  readonly stored = new Map<Key, number>();
  putAway = 0;
  asked = 0;
  #nowMs = 0;
  readonly #most: number;
  readonly #hasStore: boolean;

  constructor(most: number, hasStore: boolean) {
    this.#most = most;
    this.#hasStore = hasStore;
  }

  ask(key: Key, waits: boolean): void {
    this.asked += 1;
    if (!this.living.has(key) && this.living.size >= this.#most) {
      const [longest] = this.#idle();
      if (longest === undefined) {
        this.outcomes.set(this.asked, "TOO_MANY");
        return;
      }
      this.#let(longest);
    }
    const instance = this.living.get(key) ?? {
      ...{ sum: this.stored.get(key) ?? 0, stuck: undefined, waiting: [], idleSinceMs: 0 },
    };
    this.living.set(key, instance);
    instance.waiting.push({ number: this.asked, waits });
    this.#goOn(key, instance);
  }

  open(key: Key): void {
    const instance = this.living.get(key);
    if (instance?.stuck !== undefined) {
      const number = instance.stuck;
      instance.stuck = undefined;
      this.#add(instance, number);
      this.#goOn(key, instance);
    }
  }

  tick(): void {
    this.#nowMs += TICK_MS;
    for (const key of this.#idle()) {
      if (this.#nowMs - (this.living.get(key)?.idleSinceMs ?? 0) >= IDLE_MS) {
        this.#let(key);
      }
    }
  }

  /** Those that may go. State without a store stays where it is. */
  #idle(): readonly Key[] {
    const all = this.#hasStore ? [...this.living] : [];
    return all.filter(([, { stuck }]) => stuck === undefined).map(([key]) => key);
  }

  #let(key: Key): void {
    this.stored.set(key, this.living.get(key)?.sum ?? 0);
    this.living.delete(key);
    this.putAway += 1;
  }

  #goOn(key: Key, instance: Instance): void {
    while (instance.stuck === undefined) {
      const next = instance.waiting.shift();
      if (next === undefined) {
        instance.idleSinceMs = this.#nowMs;
        this.living.delete(key);
        this.living.set(key, instance);
        return;
      }
      if (next.waits) {
        instance.stuck = next.number;
      } else {
        this.#add(instance, next.number);
      }
    }
  }

  #add(instance: Instance, number: number): void {
    instance.sum += 1;
    this.outcomes.set(number, instance.sum);
  }
}

class Real {
  readonly outcomes = new Map<number, number | string>();
  readonly gates = new Map<string, () => void>();
  readonly runtime: SingleThreadedAgentRuntime;
  made = 0;
  closed = 0;
  #asked = 0;

  private constructor(runtime: SingleThreadedAgentRuntime) {
    this.runtime = runtime;
  }

  static async start(most: number, hasStore: boolean): Promise<Real> {
    const stateStore = hasStore ? createMemoryStore() : undefined;
    const runtime = new SingleThreadedAgentRuntime({ stateStore, maxInstances: most });
    const real = new Real(runtime);
    runtime.addMessageType(Sum);
    const adder = defineAgent({
      description: "adds",
      setup(agent) {
        real.made += 1;
        let sum = 0;
        agent.handleRpc(Add, async ({ waits }) => {
          if (waits) {
            const { promise, resolve } = Promise.withResolvers<void>();
            real.gates.set(agent.id.key, resolve);
            await promise;
          }
          sum += 1;
          return Sum.of({ sum });
        });
        return {
          saveState: (): JsonValue => sum,
          loadState: (state: JsonValue) => {
            sum = Number(state);
          },
          close: () => {
            real.closed += 1;
          },
        };
      },
    });
    await runtime.registerFactory("adder", adder, { idleTimeoutMs: IDLE_MS });
    await runtime.start();
    return real;
  }

  ask(key: Key, waits: boolean): void {
    this.#asked += 1;
    const number = this.#asked;
    const timeoutMs = 1_000_000;
    this.runtime
      .sendMessage<{ sum: number }>(Add.of({ waits }), new AgentId("adder", key), { timeoutMs })
      .then(
        (answer) => this.outcomes.set(number, answer?.sum ?? 0),
        (error: { readonly code: string }) => this.outcomes.set(number, error.code),
      );
  }
}

async function compare(model: Model, real: Real): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(Object.fromEntries(real.outcomes)).toEqual(Object.fromEntries(model.outcomes));
  const [report] = real.runtime.report().agentTypes;
  expect(report).toMatchObject({ instances: model.living.size, putAway: model.putAway });
  expect(real.made - real.closed).toBe(model.living.size);
}

type Step = fc.AsyncCommand<Model, Real>;

function step(name: string, run: (model: Model, real: Real) => void): Step {
  return {
    check: () => true,
    run: async (model, real) => {
      run(model, real);
      await compare(model, real);
    },
    toString: () => name,
  };
}

const ask = (key: Key, waits: boolean): Step =>
  step(`${waits ? "keep busy" : "add to"} ${key}`, (model, real) => {
    model.ask(key, waits);
    real.ask(key, waits);
  });
const open = (key: Key): Step =>
  step(`let ${key} go on`, (model, real) => {
    model.open(key);
    real.gates.get(key)?.();
    real.gates.delete(key);
  });
const tick = step("tick", (model, real) => {
  jest.advanceTimersByTime(TICK_MS);
  model.tick();
  expect(real.runtime.report().agentTypes).toHaveLength(1);
});

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test("put-away model - instances, their number and their sums are what a plain account says, and no message is lost", async () => {
  const key = fc.constantFrom(...KEYS);
  const commands = fc.commands<Model, Real, false>(
    [
      key.map((one) => ask(one, false)),
      key.map((one) => ask(one, false)),
      key.map((one) => ask(one, true)),
      key.map(open),
      fc.constant(tick),
      fc.constant(tick),
    ],
    { maxCommands: 80, size: "max" },
  );
  const most = fc.integer({ min: 1, max: 4 });
  await fc.assert(
    fc.asyncProperty(commands, most, fc.boolean(), async (steps, ...rules) => {
      const [model, real] = [new Model(...rules), await Real.start(...rules)];
      await fc.asyncModelRun(() => ({ model, real }), steps);
      while ([...model.living.values()].some(({ stuck }) => stuck !== undefined)) {
        for (const one of KEYS) {
          await open(one).run(model, real);
        }
      }
      expect(real.outcomes.size).toBe(model.asked);
      await real.runtime.stop();
      expect(real.closed).toBe(real.made);
    }),
    { numRuns: 200 },
  );
}, 120_000);
