import { expect, test } from "bun:test";
import fc from "fast-check";
import { DeliveryCursor } from "../../src/core/delivery-cursor.ts";
import type { CursorSnapshot, DeliveryCursorOptions } from "../../src/core/durable-delivery.ts";

const OPTIONS: DeliveryCursorOptions = {
  maxInFlight: 12,
  maxOpen: 1_000,
  maxDeliver: 3,
  maxLosses: 3,
  backoffMs: (failures) => failures * 10,
};

interface Batch {
  readonly position: number;
  readonly count: number;
  readonly expiresAtMs: number | undefined;
}

type Place = "open" | "returned" | "flight" | "done" | "dead";

interface Fate {
  readonly place: Place;
  readonly wasTaken: boolean;
  readonly attempts: number;
  readonly losses: number;
  readonly nextAtMs: number;
}

const NEW: Fate = { place: "open", wasTaken: false, attempts: 0, losses: 0, nextAtMs: 0 };

/** One plain object for each record: what the cursor must behave like. */
interface Model {
  nowMs: number;
  log: Batch[];
  /** The log's next position; the cursor knows everything below `known`. */
  end: number;
  known: number;
  fates: Map<number, Fate>;
  stored: { fates: Map<number, Fate>; snapshot: CursorSnapshot };
  /** Stored as dead. */
  buried: Set<number>;
}

interface Real {
  cursor: DeliveryCursor<Batch>;
}

type Command = fc.Command<Model, Real>;

function command(name: string, run: (model: Model, real: Real) => void): Command {
  return {
    check: () => true,
    run: (model, real) => {
      run(model, real);
      compare(model, real);
    },
    toString: () => name,
  };
}

function batchAt(model: Model, position: number): Batch | undefined {
  return model.log.find(
    (batch) => batch.position <= position && position < batch.position + batch.count,
  );
}

function setFate(model: Model, position: number, change: Partial<Fate>): void {
  model.fates.set(position, { ...(model.fates.get(position) ?? NEW), ...change });
}

function inFlight(model: Model, first: number, last: number): readonly number[] {
  return [...model.fates]
    .filter(([at, fate]) => fate.place === "flight" && at >= first && at <= last)
    .map(([at]) => at);
}

function compare(model: Model, { cursor }: Real): void {
  const fates = [...model.fates];
  const isOver = ([, { place }]: [number, Fate]): boolean => place === "done" || place === "dead";
  const unfinished = fates.filter((entry) => !isOver(entry)).map(([at]) => at);
  const { state, dead } = cursor.snapshot();
  expect(cursor.inFlight).toBe(fates.filter(([, { place }]) => place === "flight").length);
  expect(cursor.openRecords).toBe(unfinished.length);
  expect(state.floor).toBe(Math.min(model.known, ...unfinished));
  const isDone = (at: number): boolean =>
    at < state.floor || state.done.some(([first, last]) => first <= at && at <= last);
  for (let at = 1; at < model.known; at += 1) {
    expect({ at, isDone: isDone(at) }).toEqual({ at, isDone: !unfinished.includes(at) });
  }
  // Everything given up is in the snapshot until it was stored, and never after.
  const given = fates.filter(([, { place }]) => place === "dead").map(([at]) => at);
  expect(dead.map(({ position }) => position).sort((a, b) => a - b)).toEqual(
    given.filter((at) => !model.buried.has(at)).sort((a, b) => a - b),
  );
  expect(
    state.attempts.map(({ position, attempts, losses }) => ({ position, attempts, losses })),
  ).toEqual(
    fates
      .filter(
        ([, fate]) =>
          fate.attempts + fate.losses > 0 && fate.place !== "done" && fate.place !== "dead",
      )
      .sort(([a], [b]) => a - b)
      .map(([position, { attempts, losses }]) => ({ position, attempts, losses })),
  );
}

const offer = fc
  .record({
    gap: fc.integer({ min: 0, max: 3 }),
    count: fc.integer({ min: 1, max: 6 }),
    lifeMs: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined, freq: 3 }),
  })
  .map(({ gap, count, lifeMs }) =>
    command(`offer(${gap}, ${count}, ${lifeMs})`, (model, { cursor }) => {
      const expiresAtMs = lifeMs === undefined ? undefined : model.nowMs + lifeMs;
      const batch = { position: model.end + gap, count, expiresAtMs };
      model.log.push(batch);
      model.end = batch.position + count;
      offerFrom(model, cursor);
    }),
  );

/** Everything in the log that the cursor does not know, as a reader would. */
function offerFrom(model: Model, cursor: DeliveryCursor<Batch>): void {
  const from = cursor.readFrom;
  for (const batch of model.log) {
    const end = batch.position + batch.count;
    if (end > from) {
      cursor.offer({ ...batch, batch });
      for (let at = Math.max(batch.position, from); at < end; at += 1) {
        if (!model.fates.has(at)) {
          model.fates.set(at, NEW);
        }
      }
    }
  }
  cursor.skipTo(model.end);
  model.known = model.end;
}

function take(maxRecords: number): Command {
  return command(`take(${maxRecords})`, (model, { cursor }) => {
    const before = new Map(model.fates);
    const gone = (at: number): boolean => {
      const expiresAtMs = batchAt(model, at)?.expiresAtMs;
      return expiresAtMs !== undefined && expiresAtMs <= model.nowMs;
    };
    const isReady = (at: number): boolean => {
      const fate = before.get(at);
      return fate?.place === "returned" || (fate?.place === "open" && fate.nextAtMs <= model.nowMs);
    };
    const busy = [...before.values()].filter(({ place }) => place === "flight").length;
    const deliveries = cursor.take(model.nowMs, maxRecords);
    let taken = 0;
    for (const { batch, first, last, attempt } of deliveries) {
      for (let at = first; at <= last; at += 1) {
        const fate = before.get(at) ?? NEW;
        expect({ at, isReady: isReady(at), isGone: gone(at) }).toEqual({
          at,
          isReady: true,
          isGone: false,
        });
        expect(batch).toEqual(batchAt(model, at) as Batch);
        expect(attempt).toBe(fate.attempts + fate.losses + 1);
        setFate(model, at, { place: "flight", wasTaken: true });
        taken += 1;
      }
    }
    const room = Math.min(maxRecords, OPTIONS.maxInFlight - busy);
    expect(taken).toBeLessThanOrEqual(Math.max(0, room));
    // Records given up because they expired, as far as it came.
    for (const { position, reason } of cursor.snapshot().dead) {
      if (model.fates.get(position)?.place !== "dead") {
        expect(reason).toBe("EXPIRED");
        expect({ position, isGone: gone(position) }).toEqual({ position, isGone: true });
        setFate(model, position, { place: "dead" });
      }
    }
    if (taken < room) {
      // There was room for more, so nothing that is ready was left.
      expect(
        [...model.fates.keys()].filter(
          (at) =>
            isReady(at) &&
            model.fates.get(at)?.place !== "flight" &&
            model.fates.get(at)?.place !== "dead",
        ),
      ).toEqual([]);
    }
    for (const [at, fate] of model.fates) {
      // Passed by: it waits for its backoff.
      if (!fate.wasTaken && fate.place === "open" && taken < room) {
        setFate(model, at, { wasTaken: true });
      }
    }
  });
}

const range = fc
  .tuple(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 8 }))
  .map(([from, length]) => (model: Model): readonly [number, number] => {
    const first = 1 + (from % Math.max(1, model.end));
    return [first, first + length];
  });

const ack = range.map((rangeIn) =>
  command("ack", (model, { cursor }) => {
    // What is in flight only: what else counts is for the tests with names.
    const [first, last] = rangeIn(model);
    for (const at of inFlight(model, first, last)) {
      cursor.ack(at, at);
      setFate(model, at, { place: "done" });
    }
  }),
);

const ackAll = fc.constant(
  command("ackAll", (model, { cursor }) => {
    const flying = inFlight(model, 1, model.end);
    if (flying.length > 0) {
      const [first, last] = [Math.min(...flying), Math.max(...flying)];
      const isWhole = flying.length === last - first + 1;
      if (isWhole) {
        cursor.ack(first, last);
        for (const at of flying) {
          setFate(model, at, { place: "done" });
        }
      }
    }
  }),
);

const nack = range.map((rangeIn) =>
  command("nack", (model, { cursor }) => {
    const [first, last] = rangeIn(model);
    cursor.nack(first, last, model.nowMs, "no");
    for (const at of inFlight(model, first, last)) {
      const attempts = (model.fates.get(at)?.attempts ?? 0) + 1;
      const place = attempts >= OPTIONS.maxDeliver ? "dead" : "open";
      setFate(model, at, { place, attempts, nextAtMs: model.nowMs + OPTIONS.backoffMs(attempts) });
    }
  }),
);

const lost = fc.constant(
  command("lostAll", (model, { cursor }) => {
    cursor.lostAll(model.nowMs, "gone");
    for (const at of inFlight(model, 1, model.end)) {
      const losses = (model.fates.get(at)?.losses ?? 0) + 1;
      const place = losses >= OPTIONS.maxLosses ? "dead" : "open";
      setFate(model, at, { place, losses, nextAtMs: model.nowMs });
    }
  }),
);

const handBack = range.map((rangeIn) =>
  command("handBack", (model, { cursor }) => {
    const [first, last] = rangeIn(model);
    cursor.handBack(first, last);
    for (const at of inFlight(model, first, last)) {
      setFate(model, at, { place: "returned" });
    }
  }),
);

const wait = fc.integer({ min: 1, max: 30 }).map((ms) =>
  command(`wait(${ms})`, (model) => {
    model.nowMs += ms;
  }),
);

const store = fc.boolean().map((isStored) =>
  command(isStored ? "store" : "store fails", (model, { cursor }) => {
    const snapshot = cursor.snapshot();
    if (isStored) {
      cursor.stored(snapshot);
      expect(cursor.isDirty).toBe(false);
      model.stored = { fates: new Map(model.fates), snapshot };
      for (const { position } of snapshot.dead) {
        model.buried.add(position);
      }
    }
  }),
);

const restart = fc.constant(
  command("restart", (model, real) => {
    const { fates, snapshot } = model.stored;
    // As it comes back from the store.
    real.cursor = new DeliveryCursor<Batch>(structuredClone(snapshot.state), OPTIONS);
    model.fates = new Map(
      Array.from(fates, ([at, fate]) => {
        const isOver = fate.place === "done" || fate.place === "dead";
        return [at, { ...fate, wasTaken: false, place: isOver ? fate.place : "open" }];
      }),
    );
    offerFrom(model, real.cursor);
  }),
);

test("delivery cursor - whatever happens in whatever order, it does what a plain model does", () => {
  fc.assert(
    fc.property(
      fc.commands(
        [
          offer,
          fc.integer({ min: 1, max: 20 }).map(take),
          ack,
          ackAll,
          nack,
          lost,
          handBack,
          wait,
          store,
          restart,
        ],
        { maxCommands: 80, size: "max" },
      ),
      (commands) => {
        const cursor = new DeliveryCursor<Batch>({ floor: 1, done: [], attempts: [] }, OPTIONS);
        const model: Model = {
          nowMs: 1_000,
          log: [],
          end: 1,
          known: 1,
          fates: new Map(),
          stored: { fates: new Map(), snapshot: cursor.snapshot() },
          buried: new Set(),
        };
        fc.modelRun(() => ({ model, real: { cursor } }), commands);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
