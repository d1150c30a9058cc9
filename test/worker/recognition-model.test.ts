/** What a worker has had before is known again: events within their window, durable records over restarts. */
import { expect, test } from "bun:test";
import { AgentId, createMemoryStore, TopicId } from "agentrt";
import fc from "fast-check";
import { HandledRecords } from "../../src/worker/handled-records.ts";
import { RecentEvents } from "../../src/worker/recent-events.ts";

const WINDOW_MS = 100;
const MOST = 12;
const topics = ["t1", "t2"].map((type) => new TopicId(type, "s"));

interface Seen {
  atMs: number;
  /** How many were added before it. */
  order: number;
}

interface Events {
  nowMs: number;
  added: number;
  readonly seen: Map<string, Seen>;
}

type EventStep = fc.Command<Events, RecentEvents>;

function eventStep(name: string, run: (model: Events, real: RecentEvents) => void): EventStep {
  return { check: () => true, run, toString: () => name };
}

const identity = fc.tuple(fc.nat(9).map(String), fc.constantFrom(...topics));
const come = identity.map(([id, topic]) =>
  eventStep(`${id} on ${topic}`, (model, real) => {
    const name = `${topic} ${id}`;
    const seen = model.seen.get(name);
    const isRepeated = real.isRepeated({ id, topic });
    const ageMs = model.nowMs - (seen?.atMs ?? Number.NEGATIVE_INFINITY);
    const since = model.added - (seen?.order ?? Number.NEGATIVE_INFINITY);
    if (seen === undefined || ageMs > 3 * WINDOW_MS) {
      expect([name, isRepeated]).toEqual([name, false]);
    } else if (ageMs < WINDOW_MS && since < MOST / 2) {
      expect([name, isRepeated]).toEqual([name, true]);
    }
    if (!isRepeated) {
      model.added += 1;
      model.seen.set(name, { atMs: model.nowMs, order: model.added });
    }
    expect(real.size).toBeLessThanOrEqual(MOST);
  }),
);
const forget = identity.map(([id, topic]) =>
  eventStep(`forget ${id} on ${topic}`, (model, real) => {
    model.seen.delete(`${topic} ${id}`);
    real.forget({ id, topic });
  }),
);
const pass = fc.constantFrom(1, 40, 99, 100, 101, 250).map((ms) =>
  eventStep(`${ms} ms`, (model) => {
    model.nowMs += ms;
  }),
);

test("recognition model - an event is known within its window and bound, and never after three windows", () => {
  fc.assert(
    fc.property(
      fc.commands([come, come, come, forget, pass], { maxCommands: 80, size: "max" }),
      (all) => {
        const model: Events = { nowMs: 0, added: 0, seen: new Map() };
        const real = new RecentEvents(WINDOW_MS, MOST, () => model.nowMs);
        fc.modelRun(() => ({ model, real }), all);
      },
    ),
    { numRuns: 300 },
  );
});

interface Handled {
  /** Handled, by agent and cursor; what of it is stored. */
  known: Set<string>;
  stored: Set<string>;
  /** Agents with something that is not stored. */
  changed: Set<string>;
  readonly floors: Map<string, number>;
}

interface RealHandled {
  readonly store: ReturnType<typeof createMemoryStore>;
  records: HandledRecords;
}

type HandledStep = fc.Command<Handled, RealHandled>;

const agents = ["1", "2"].map((key) => new AgentId("a", key));
const cursors = ["c1", "c2"];
const nameOf = (agent: AgentId, cursor: string, position: number): string =>
  `${agent} ${cursor} ${position}`;

function compare(model: Handled, { records }: RealHandled): void {
  for (const agent of agents) {
    for (const cursor of cursors) {
      for (let at = model.floors.get(cursor) ?? 1; at <= 12; at += 1) {
        const name = nameOf(agent, cursor, at);
        expect([name, records.has(agent, cursor, at)]).toEqual([name, model.known.has(name)]);
      }
    }
  }
}

function handledStep(name: string, run: (model: Handled, real: RealHandled) => void): HandledStep {
  return {
    check: () => true,
    run: (model, real) => {
      run(model, real);
      compare(model, real);
    },
    toString: () => name,
  };
}

const agent = fc.constantFrom(...agents);
const cursor = fc.constantFrom(...cursors);
const position = fc.integer({ min: 1, max: 12 });
const note = fc.tuple(agent, cursor, position).map(([of, on, at]) =>
  handledStep(`${of} handled ${on} ${at}`, (model, real) => {
    model.known.add(nameOf(of, on, at));
    model.changed.add(`${of}`);
    real.records.note(of, on, at);
  }),
);
const save = fc.tuple(agent, fc.boolean()).map(([of, works]) =>
  handledStep(`save ${of} ${works}`, (model, real) => {
    const text = real.records.take(of);
    expect(text !== undefined).toBe(model.changed.has(`${of}`));
    if (text === undefined) {
      return;
    }
    if (!works) {
      real.records.putBack(of);
      return;
    }
    model.changed.delete(`${of}`);
    real.store.saveHandled?.(of, text, undefined);
    const isIts = (name: string): boolean => name.startsWith(`${of} `);
    model.stored = new Set([
      ...[...model.stored].filter((name) => !isIts(name)),
      ...[...model.known].filter(isIts),
    ]);
  }),
);
const raise = fc.tuple(cursor, position).map(([on, at]) =>
  handledStep(`floor of ${on} at ${at}`, (model, real) => {
    const floor = Math.max(at, model.floors.get(on) ?? 1);
    model.floors.set(on, floor);
    real.records.setFloor(on, floor);
  }),
);
const restart = fc.constant(
  handledStep("restart", (model, real) => {
    model.known = new Set(model.stored);
    model.changed = new Set();
    real.records = new HandledRecords(real.store);
  }),
);

test("recognition model - a durable record that was handled is known above its floor, after a restart as far as it was stored", () => {
  fc.assert(
    fc.property(
      fc.commands([note, note, note, save, save, raise, restart], { maxCommands: 60, size: "max" }),
      (all) => {
        const store = createMemoryStore();
        const model: Handled = {
          known: new Set(),
          stored: new Set(),
          changed: new Set(),
          floors: new Map(),
        };
        fc.modelRun(() => ({ model, real: { store, records: new HandledRecords(store) } }), all);
      },
    ),
    { numRuns: 300 },
  );
});
