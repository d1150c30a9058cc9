/**
 * Durable subscriptions whose workers take, acknowledge and refuse what they get in any order, leave, are lost and
 * come back, on a disk that is slow or full, with a host that is stopped and killed, against a plain account.
 */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import fc from "fast-check";
import type { Commit } from "../../../src/store/log/message-log.ts";
import { type Listener, MAX_DELIVER, Stage } from "./cursor-stage.ts";

const CURSORS = ["a", "b"] as const;
type Name = (typeof CURSORS)[number];
/** In memory where that can be had. */
const FOLDER = joinPath(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agentrt-cursor-");
const LOSSES = 20;

/** What has become of a record for one cursor. */
interface Fate {
  readonly place: "open" | "flight" | "done" | "dead";
  readonly attempts: number;
  readonly losses: number;
  readonly nextAtMs: number;
  readonly reason: string;
}

const NEW: Fate = { place: "open", attempts: 0, losses: 0, nextAtMs: 0, reason: "" };

interface Message {
  readonly key: string;
  readonly expiresAtMs: number | undefined;
}

class Account implements Listener {
  /** By position; the first is 1. */
  readonly messages = new Map<number, Message>();
  fates: Record<Name, Map<number, Fate>> = { a: new Map(), b: new Map() };
  stored: Record<Name, Map<number, Fate>> = { a: new Map(), b: new Map() };

  fate(name: Name, position: number): Fate {
    return this.fates[name].get(position) ?? NEW;
  }

  set(name: Name, position: number, change: Partial<Fate>): void {
    this.fates[name].set(position, { ...this.fate(name, position), ...change });
  }

  in(name: Name, place: Fate["place"]): readonly number[] {
    return [...this.messages.keys()].filter((at) => this.fate(name, at).place === place);
  }

  isExpired(position: number): boolean {
    return (this.messages.get(position)?.expiresAtMs ?? Number.POSITIVE_INFINITY) <= Date.now();
  }

  /** What a worker could be given now. */
  ready(name: Name): readonly number[] {
    return this.in(name, "open").filter(
      (at) => this.fate(name, at).nextAtMs <= Date.now() && !this.isExpired(at),
    );
  }

  offered(name: Name, first: number, last: number): void {
    for (let at = first; at <= last; at += 1) {
      const ready = this.ready(name);
      expect([name, at, ready.includes(at)]).toEqual([name, at, true]);
      const { attempts, losses } = this.fate(name, at);
      if (attempts + losses === 0) {
        // In its order, behind what was handed back, lost or refused before.
        const isBefore = (other: number): boolean => other < at;
        expect([name, at, ready.filter(isBefore)]).toEqual([name, at, []]);
      }
      this.set(name, at, { place: "flight" });
    }
  }

  committing({ cursors, dead = [] }: Commit): () => void {
    for (const { cursor, position, reason, attempts } of dead) {
      const name = cursor as Name;
      const { place, ...before } = this.fate(name, position);
      if (reason === "EXPIRED" && place === "open") {
        expect([position, this.isExpired(position)]).toEqual([position, true]);
        this.set(name, position, { place: "dead", reason });
      }
      const fate = this.fate(name, position);
      expect([position, fate.place, fate.reason]).toEqual([position, "dead", reason]);
      expect(attempts).toBe(before.attempts);
    }
    const copies = cursors.map(({ name: cursor, state }) => {
      const name = cursor as Name;
      for (const at of this.messages.keys()) {
        const isDone =
          at < state.floor || state.done.some(([first, last]) => first <= at && at <= last);
        const { place } = this.fate(name, at);
        expect([name, at, isDone]).toEqual([name, at, place === "done" || place === "dead"]);
      }
      const tried = this.in(name, "open").concat(this.in(name, "flight"));
      expect(state.attempts.map(({ position, attempts, losses }) => [position, attempts, losses]))
        // In the order of positions.
        .toEqual(
          tried
            .toSorted((x, y) => x - y)
            .map((at) => [at, this.fate(name, at).attempts, this.fate(name, at).losses])
            .filter(([, attempts = 0, losses = 0]) => attempts + losses > 0),
        );
      return [name, new Map(this.fates[name])] as const;
    });
    return () => {
      for (const [name, copy] of copies) {
        this.stored[name] = copy;
      }
    };
  }

  gone(name: Name, how: "left" | "lost"): void {
    for (const at of this.in(name, "flight")) {
      if (how === "left") {
        this.set(name, at, { place: "open", nextAtMs: 0 });
        continue;
      }
      const losses = this.fate(name, at).losses + 1;
      const isDead = losses >= LOSSES;
      const reason = isDead ? "MAX_LOSSES" : "";
      this.set(name, at, {
        ...{ place: isDead ? "dead" : "open", losses, nextAtMs: Date.now(), reason },
      });
    }
  }

  restarted(): void {
    for (const name of CURSORS) {
      this.fates[name] = new Map(
        Array.from(this.stored[name], ([at, fate]) => [
          at,
          fate.place === "flight" ? { ...fate, place: "open" } : fate,
        ]),
      );
    }
  }
}

type Step = fc.AsyncCommand<Account, Stage>;

function checkFaults({ faults }: Stage): void {
  if (faults.length > 0) {
    throw faults[0];
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 8; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function pass(stage: Stage, ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await settle();
  stage.host.durable.cursors.tick(Date.now());
  await settle();
}

function step(name: string, run: (account: Account, stage: Stage) => Promise<void> | void): Step {
  return {
    check: () => true,
    run: async (account, stage) => {
      await run(account, stage);
      await settle();
      checkFaults(stage);
      expect(stage.host.totals.shed).toBe(0);
      for (const cursor of stage.host.durable.cursors.all) {
        const flying = account.in(cursor.name as Name, "flight").length;
        expect([cursor.name, cursor.inFlight]).toEqual([cursor.name, flying]);
      }
    },
    toString: () => name,
  };
}

/** What a worker has and has not said anything of; by its number, whatever there is. */
function held(account: Account, stage: Stage, name: Name): readonly number[] {
  const arrived = (stage.links.get(name)?.arrived ?? []).flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  return [...new Set(arrived)].filter((at) => account.fate(name, at).place === "flight");
}

const cursor = fc.constantFrom(...CURSORS, CURSORS[0]);

const publish = fc
  .record({
    key: fc.constantFrom("x", "y"),
    isHigh: fc.boolean(),
    isLarge: fc.boolean(),
    count: fc.integer({ min: 1, max: 5 }),
    lifeMs: fc.option(fc.integer({ min: 20, max: 600 }), { nil: undefined, freq: 4 }),
  })
  .map(({ key, isHigh, isLarge, count, lifeMs }) =>
    step(
      `publish ${count} ${isLarge ? "large" : "small"} on ${key} ${lifeMs ?? ""}`,
      async (account, stage) => {
        const expiresAtMs = lifeMs === undefined ? undefined : Date.now() + lifeMs;
        for (let index = 0; index < count; index += 1) {
          account.messages.set(account.messages.size + 1, { key, expiresAtMs });
        }
        await stage.publish(key, isHigh, count, lifeMs, isLarge);
      },
    ),
  );

const picks = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });

function pick(positions: readonly number[], numbers: readonly number[]): readonly number[] {
  return numbers.map((number) => positions[number]).filter((at) => at !== undefined);
}

const ack = fc.tuple(cursor, picks).map(([name, numbers]) =>
  step(`${name} acknowledges ${numbers}`, (account, stage) => {
    const positions = pick(held(account, stage, name), numbers);
    // Twice changes nothing, and nor does another worker.
    stage.ack(name === "a" ? "b" : "a", name, held(account, stage, name));
    stage.ack(name, name, positions);
    stage.ack(name, name, positions);
    for (const at of positions) {
      account.set(name, at, { place: "done" });
    }
  }),
);

/** One is done while the other one's end is on its way to disk. */
const oneAfterTheOther = cursor.map((name) =>
  step(`${name} acknowledges, and the other one while that is stored`, async (account, stage) => {
    stage.setSlow(true);
    for (const one of [name, name === "a" ? ("b" as const) : ("a" as const)]) {
      const positions = held(account, stage, one);
      stage.ack(one, one, positions);
      for (const at of positions) {
        account.set(one, at, { place: "done" });
      }
      await pass(stage, 20);
    }
  }),
);

function refuse(account: Account, stage: Stage, name: Name, positions: readonly number[]): void {
  for (const at of positions) {
    stage.nack(name, name, at);
    stage.nack(name, name, at);
    const attempts = account.fate(name, at).attempts + 1;
    const isDead = attempts >= MAX_DELIVER;
    account.set(name, at, {
      ...{ place: isDead ? "dead" : "open", attempts, reason: isDead ? "MAX_DELIVER" : "" },
      nextAtMs: Date.now() + 100 * 2 ** (attempts - 1),
    });
  }
}

const nack = fc
  .tuple(cursor, picks)
  .map(([name, numbers]) =>
    step(`${name} refuses ${numbers}`, (account, stage) =>
      refuse(account, stage, name, pick(held(account, stage, name), numbers)),
    ),
  );

/** Each pause is longer than the one before. */
const refuseAgain = cursor.map((name) =>
  step(`${name} refuses all it has, twice`, async (account, stage) => {
    for (let turns = 0; turns < 2; turns += 1) {
      refuse(account, stage, name, held(account, stage, name));
      await pass(stage, 110);
    }
  }),
);

const connect = fc.tuple(cursor, fc.constantFrom(1, 3, 1_000)).map(([name, room]) =>
  step(`${name} comes with room for ${room}`, (account, stage) => {
    account.gone(name, "lost");
    stage.connect(name, room);
  }),
);

const leave = fc
  .tuple(cursor, fc.constantFrom("left" as const, "lost" as const))
  .map(([name, how]) =>
    step(`${name} is ${how}`, (account, stage) => {
      account.gone(name, how);
      stage.leave(name, how);
    }),
  );

const room = fc
  .tuple(cursor, fc.integer({ min: 1, max: 6 }))
  .map(([name, frames]) =>
    step(`${name} takes ${frames}`, (_, stage) => stage.makeRoom(name, frames)),
  );

const wait = fc
  .constantFrom(20, 20, 100, 250, 1_100)
  .map((ms) => step(`wait ${ms}`, (_, stage) => pass(stage, ms)));

const disk = fc.constantFrom("slow", "quick", "full", "empty").map((how) =>
  step(`the disk is ${how}`, (_, stage) => {
    if (how === "slow" || how === "quick") {
      stage.setSlow(how === "slow");
    } else {
      stage.isFull = how === "full";
    }
  }),
);

const restart = fc.boolean().map((isKilled) =>
  step(isKilled ? "kill" : "restart", async (account, stage) => {
    await stage.restart(isKilled);
    account.restarted();
  }),
);

/** Where everything stands is stored soon after the last that happened. */
const rest = fc.constant(
  step("rest", async (account, stage) => {
    stage.setSlow(false);
    stage.isFull = false;
    for (const ms of [30, 1_100, 30]) {
      await pass(stage, ms);
    }
    for (const name of CURSORS) {
      const done = [...account.stored[name]].filter(([, { place }]) => place === "done");
      const stored = done.map(([at]) => at).toSorted((a, b) => a - b);
      expect<unknown>({ name, stored }).toEqual({ name, stored: account.in(name, "done") });
    }
  }),
);

/** Whatever happened before, workers that go on get everything, and where they stand is stored. */
async function finish(account: Account, stage: Stage): Promise<void> {
  stage.setSlow(false);
  stage.isFull = false;
  for (const name of CURSORS) {
    account.gone(name, "lost");
    stage.connect(name, 1_000_000);
  }
  await pass(stage, 30);
  for (let turns = 0; CURSORS.some((name) => !isOver(account, name)); turns += 1) {
    expect(turns).toBeLessThan(20);
    for (const name of CURSORS) {
      const positions = held(account, stage, name);
      stage.ack(name, name, positions);
      for (const at of positions) {
        account.set(name, at, { place: "done" });
      }
      await settle();
    }
    await pass(stage, 300);
  }
  await pass(stage, 1_100);
  await pass(stage, 30);
  checkFaults(stage);
  const dead = CURSORS.flatMap((name) =>
    account.in(name, "dead").map((at) => `${name} ${at} ${account.fate(name, at).reason}`),
  );
  expect(await stage.dead()).toEqual(dead.toSorted());
  expect(account.stored).toEqual(account.fates);
}

function isOver(account: Account, name: Name): boolean {
  return account.in(name, "flight").length + account.in(name, "open").length === 0;
}

beforeEach(() => {
  jest.useFakeTimers({ now: 10_000 });
});

afterEach(() => {
  jest.useRealTimers();
});

test("cursor model - whatever workers, disk and host do, each record is delivered in its order until it is done or with the dead", async () => {
  const commands = fc.commands<Account, Stage, false>(
    [
      ...[publish, publish, publish, ack, ack, ack, nack, refuseAgain, connect, leave, room],
      ...[wait, wait, disk, oneAfterTheOther, restart, rest],
    ],
    { maxCommands: 60, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      jest.clearAllTimers();
      const folder = await mkdtemp(FOLDER);
      const account = new Account();
      const stage = new Stage(folder, account);
      try {
        await stage.open();
        for (const name of CURSORS) {
          stage.connect(name, 5);
        }
        await settle();
        await fc.asyncModelRun(() => ({ model: account, real: stage }), all);
        await finish(account, stage);
      } finally {
        stage.close();
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
}, 60_000);
