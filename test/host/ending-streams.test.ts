import { expect, test } from "bun:test";
import { AgentrtError } from "../../src/core/errors.ts";
import { EndingStreams } from "../../src/host/ending-streams.ts";
import { FakeStream } from "./in-memory-host.ts";

function setUp(): { ending: EndingStreams; hungUp: string[]; clock: { nowMs: number } } {
  const hungUp: string[] = [];
  const clock = { nowMs: 0 };
  const ending = new EndingStreams(
    (peer) => hungUp.push(peer),
    () => clock.nowMs,
  );
  return { ending, hungUp, clock };
}

test("ending streams - one ends with OK or with the status of an error", () => {
  const { ending } = setUp();
  const [fine, broken] = [new FakeStream(), new FakeStream()];
  ending.end(fine.asHostStream);
  ending.end(broken.asHostStream, new AgentrtError("SLOW_WORKER", "too slow"));
  expect([fine.hasEnded, fine.status]).toEqual([true, undefined]);
  expect(broken.status).toMatchObject({ code: 8, details: "too slow" });
});

test.each(["finish", "cancelled"])("ending streams - after its %s one is forgotten", (how) => {
  const { ending, hungUp, clock } = setUp();
  const stream = new FakeStream();
  ending.end(stream.asHostStream);
  expect(ending.size).toBe(1);
  stream.emit(how);
  expect(ending.size).toBe(0);
  clock.nowMs = 100_000;
  ending.hangUpOnUnread();
  expect(hungUp).toEqual([]);
});

test("ending streams - the connection of one that is never read is closed, once", () => {
  const { ending, hungUp, clock } = setUp();
  const [first, second] = [new FakeStream(), new FakeStream()];
  ending.end(first.asHostStream);
  clock.nowMs = 3_000;
  ending.end(second.asHostStream);
  clock.nowMs = 5_000;
  ending.hangUpOnUnread();
  expect(hungUp).toEqual([]);
  clock.nowMs = 5_001;
  ending.hangUpOnUnread();
  ending.hangUpOnUnread();
  expect([hungUp, ending.size]).toEqual([["127.0.0.1:2"], 1]);
});

test("ending streams - one that is gone, or was ended before, is left alone", () => {
  const { ending } = setUp();
  const [cancelled, twice] = [new FakeStream(), new FakeStream()];
  cancelled.cancelled = true;
  ending.end(cancelled.asHostStream, new AgentrtError("INTERNAL", "no"));
  expect([cancelled.status, ending.size]).toEqual([undefined, 0]);
  ending.end(twice.asHostStream);
  ending.end(twice.asHostStream, new AgentrtError("INTERNAL", "no"));
  expect(twice.status).toBeUndefined();
});
