import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { Lifecycle } from "../../src/cli/lifecycle.ts";

function setUp(platform: NodeJS.Platform = "linux") {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const clock = { ms: 0 };
  const lifecycle = new Lifecycle({
    signals,
    platform,
    exit: (code) => exits.push(code),
    now: () => clock.ms,
  });
  return { signals, exits, clock, lifecycle };
}

const noErrors = (error: unknown) => {
  throw error;
};

test("lifecycle - the first signal asks to stop", async () => {
  const { signals, exits, lifecycle } = setUp();
  expect(lifecycle.stopSignal.aborted).toBe(false);
  signals.emit("SIGTERM");
  await lifecycle.untilStopRequested();
  expect(exits).toEqual([]);
});

test("lifecycle - a second signal ends the process at once, with its number", () => {
  const { signals, exits, clock, lifecycle } = setUp();
  signals.emit("SIGTERM");
  clock.ms = 1_000;
  signals.emit("SIGINT");
  signals.emit("SIGTERM");
  expect(exits).toEqual([130, 143]);
  lifecycle[Symbol.dispose]();
});

test("lifecycle - signals close together are one wish", () => {
  const { signals, exits, clock } = setUp();
  signals.emit("SIGINT");
  clock.ms = 199;
  signals.emit("SIGTERM");
  expect(exits).toEqual([]);
});

test("lifecycle - Windows has signals of its own", () => {
  const { signals, lifecycle } = setUp("win32");
  expect(signals.eventNames()).toEqual(["SIGINT", "SIGBREAK"]);
  signals.emit("SIGBREAK");
  expect(lifecycle.stopSignal.aborted).toBe(true);
});

test("lifecycle - steps run one after the other, the last added first, failures reported", async () => {
  const { lifecycle } = setUp();
  const ran: string[] = [];
  const errors: unknown[] = [];
  const failure = new Error("no");
  lifecycle.onStop(async () => {
    ran.push("first added");
  });
  lifecycle.onStop(async () => {
    throw failure;
  });
  lifecycle.onStop(async () => {
    await Promise.resolve();
    ran.push("last added");
  });
  const outcome = await lifecycle.stopAll(Promise.resolve(), 1_000, (error) => errors.push(error));
  expect([outcome, ran, errors]).toEqual(["stopped", ["last added", "first added"], [failure]]);
});

test("lifecycle - what a start under way still adds is stopped, too", async () => {
  const { lifecycle } = setUp();
  const ran: string[] = [];
  const starting = Promise.withResolvers<void>();
  lifecycle.onStop(async () => {
    ran.push("early");
    lifecycle.onStop(async () => {
      ran.push("late");
    });
    starting.reject(new Error("interrupted"));
  });
  expect(await lifecycle.stopAll(starting.promise, 1_000, noErrors)).toBe("stopped");
  expect(ran).toEqual(["early", "late"]);
});

test("lifecycle - a step that hangs does not hold the process", async () => {
  const { lifecycle } = setUp();
  lifecycle.onStop(() => new Promise(() => undefined));
  expect(await lifecycle.stopAll(Promise.resolve(), 1, noErrors)).toBe("late");
});

test("lifecycle - disposed, it listens no more", () => {
  const { signals, lifecycle } = setUp();
  lifecycle[Symbol.dispose]();
  expect(signals.eventNames()).toEqual([]);
});
