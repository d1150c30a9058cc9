import { expect, test } from "bun:test";
import type { CursorState } from "../../src/core/cursor-state.ts";
import { DeliveryCursor } from "../../src/core/delivery-cursor.ts";
import type { Delivery, DeliveryCursorOptions } from "../../src/core/durable-delivery.ts";

const START: CursorState = { floor: 1, done: [], attempts: [] };
const OPTIONS: DeliveryCursorOptions = {
  maxInFlight: 100,
  maxOpen: 1_000,
  maxDeliver: 3,
  maxLosses: 4,
  backoffMs: (failures) => failures * 1_000,
};

function cursorOf(
  options: Partial<DeliveryCursorOptions> = {},
  state: CursorState = START,
): DeliveryCursor<string> {
  return new DeliveryCursor<string>(state, { ...OPTIONS, ...options });
}

function offer(
  cursor: DeliveryCursor<string>,
  position: number,
  count: number,
  expiresAtMs?: number,
): void {
  cursor.offer({ position, count, expiresAtMs, batch: `b${position}` });
}

function short(deliveries: readonly Delivery<string>[]): readonly string[] {
  return deliveries.map(
    ({ batch, first, last, attempt }) => `${batch}:${first}-${last}#${attempt}`,
  );
}

test("delivery cursor - batches are delivered whole, and acknowledged they raise the floor", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 10);
  offer(cursor, 11, 5);
  expect(short(cursor.take(0))).toEqual(["b1:1-10#1", "b11:11-15#1"]);
  expect(cursor.take(0)).toEqual([]);
  expect(cursor.inFlight).toBe(15);
  cursor.ack(1, 10);
  expect(cursor.snapshot().state).toEqual({ floor: 11, done: [], attempts: [] });
  cursor.ack(11, 15);
  expect(cursor.floor).toBe(16);
  expect(cursor.openRecords).toBe(0);
  expect(cursor.inFlight).toBe(0);
});

test("delivery cursor - no more is in flight than allowed, and a batch is cut where it must", () => {
  const cursor = cursorOf({ maxInFlight: 8 });
  offer(cursor, 1, 10);
  expect(short(cursor.take(0, 3))).toEqual(["b1:1-3#1"]);
  expect(short(cursor.take(0))).toEqual(["b1:4-8#1"]);
  expect(cursor.take(0)).toEqual([]);
  cursor.ack(2, 3);
  expect(short(cursor.take(0))).toEqual(["b1:9-10#1"]);
  expect(cursor.snapshot().state).toEqual({ floor: 1, done: [[2, 3]], attempts: [] });
});

test("delivery cursor - it wants more until enough is open, and says from where", () => {
  const cursor = cursorOf({ maxOpen: 10 });
  expect(cursor.wantsMore).toBe(true);
  offer(cursor, 5, 10);
  expect(cursor.wantsMore).toBe(false);
  expect(cursor.readFrom).toBe(15);
  cursor.take(0);
  cursor.ack(5, 5);
  expect(cursor.wantsMore).toBe(true);
});

test("delivery cursor - what is for others is passed over", () => {
  const cursor = cursorOf();
  cursor.skipTo(5);
  expect(cursor.floor).toBe(5);
  offer(cursor, 8, 2);
  expect(cursor.floor).toBe(8);
  cursor.skipTo(20);
  expect(cursor.snapshot().state).toEqual({ floor: 8, done: [[10, 19]], attempts: [] });
  cursor.take(0);
  cursor.ack(8, 9);
  expect(cursor.snapshot().state).toEqual({ floor: 20, done: [], attempts: [] });
});

test("delivery cursor - a record that failed comes again after its backoff, before what is new", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 4);
  cursor.take(0);
  cursor.nack(2, 2, 10, "HANDLER_FAILED: no");
  cursor.ack(1, 4);
  expect(cursor.floor).toBe(5);
  offer(cursor, 5, 4);
  cursor.take(10);
  cursor.nack(6, 7, 10, "HANDLER_FAILED: no");
  cursor.ack(5, 5);
  cursor.ack(8, 8);
  expect(cursor.nextRetryAtMs()).toBe(1_010);
  expect(cursor.take(1_009)).toEqual([]);
  offer(cursor, 9, 1);
  expect(short(cursor.take(1_010))).toEqual(["b5:6-6#2", "b5:7-7#2", "b9:9-9#1"]);
  expect(cursor.nextRetryAtMs()).toBeUndefined();
  cursor.nack(6, 6, 1_010, "worse");
  expect(cursor.nextRetryAtMs()).toBe(3_010);
  expect(cursor.snapshot().state).toEqual({
    floor: 6,
    done: [[8, 8]],
    attempts: [
      { position: 6, attempts: 2, losses: 0, nextAtMs: 3_010, lastError: "worse" },
      { position: 7, attempts: 1, losses: 0, nextAtMs: 1_010, lastError: "HANDLER_FAILED: no" },
    ],
  });
});

test("delivery cursor - the receiver may say when to try again", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 1);
  cursor.take(0);
  cursor.nack(1, 1, 100, "busy", 7);
  expect(cursor.nextRetryAtMs()).toBe(107);
});

test("delivery cursor - a record that fails too often is given up, once, with its last error", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 2);
  for (const [time, error] of [
    [0, "first"],
    [5_000, "second"],
    [10_000, "third"],
  ] as const) {
    cursor.take(time);
    cursor.nack(2, 2, time, error);
  }
  const snapshot = cursor.snapshot();
  expect(snapshot).toMatchObject({
    state: { floor: 1, done: [[2, 2]], attempts: [] },
    dead: [{ position: 2, reason: "MAX_DELIVER", lastError: "third", attempts: 3 }],
  });
  // Not stored: the next snapshot has it again.
  expect(cursor.snapshot().dead).toEqual(snapshot.dead);
  cursor.stored(snapshot);
  expect(cursor.snapshot().dead).toEqual([]);
  expect(cursor.isDirty).toBe(false);
  cursor.ack(1, 1);
  expect(cursor.floor).toBe(3);
  expect(cursor.isDirty).toBe(true);
});

test("delivery cursor - what is given up while a snapshot is stored stays for the next", () => {
  const cursor = cursorOf({ maxDeliver: 1 });
  offer(cursor, 1, 2);
  cursor.take(0);
  cursor.nack(1, 1, 0, "one");
  const snapshot = cursor.snapshot();
  cursor.nack(2, 2, 0, "two");
  cursor.stored(snapshot);
  expect(cursor.isDirty).toBe(true);
  expect(cursor.snapshot().dead.map(({ position }) => position)).toEqual([2]);
});

test("delivery cursor - what was in flight on a lost connection comes again at once, and is no failure", () => {
  const cursor = cursorOf({ maxDeliver: 1, maxLosses: 3 });
  offer(cursor, 1, 3);
  offer(cursor, 4, 3);
  cursor.take(0);
  cursor.ack(1, 2);
  cursor.lostAll(50, "WORKER_GONE");
  expect(cursor.inFlight).toBe(0);
  expect(short(cursor.take(50))).toEqual(["b1:3-3#2", "b4:4-4#2", "b4:5-5#2", "b4:6-6#2"]);
  cursor.lost(3, 3, 60, "WORKER_GONE");
  cursor.take(60);
  cursor.lost(3, 3, 70, "WORKER_GONE again");
  expect(cursor.snapshot().dead).toEqual([
    { position: 3, reason: "MAX_LOSSES", lastError: "WORKER_GONE again", attempts: 0 },
  ]);
});

test("delivery cursor - an acknowledgement that comes after the connection was lost counts", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 3);
  cursor.take(0, 2);
  cursor.lostAll(0, "WORKER_GONE");
  // The third was never delivered, so nobody can have finished it.
  cursor.ack(1, 3);
  expect(cursor.floor).toBe(3);
  expect(short(cursor.take(0))).toEqual(["b1:3-3#1"]);
});

test("delivery cursor - what is handed back comes again at once as if it had not been taken", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 3);
  offer(cursor, 4, 3);
  cursor.take(0);
  cursor.handBack(2, 5);
  expect(cursor.inFlight).toBe(2);
  expect(short(cursor.take(0))).toEqual(["b1:2-3#1", "b4:4-5#1"]);
});

test("delivery cursor - what expired is given up, whether it was tried or not", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 2, 1_500);
  offer(cursor, 3, 1, 1_500);
  offer(cursor, 4, 1);
  cursor.take(0, 2);
  cursor.ack(1, 1);
  cursor.nack(2, 2, 0, "no", 1_000);
  expect(short(cursor.take(1_500))).toEqual(["b4:4-4#1"]);
  expect(cursor.snapshot().dead).toEqual([
    { position: 2, reason: "EXPIRED", lastError: "no", attempts: 1 },
    { position: 3, reason: "EXPIRED", lastError: "", attempts: 0 },
  ]);
  expect(cursor.floor).toBe(4);
});

test("delivery cursor - made from what was stored, it goes on where it was", () => {
  const cursor = cursorOf(
    {},
    {
      floor: 3,
      done: [
        [5, 6],
        [12, 20],
      ],
      attempts: [
        { position: 3, attempts: 1, losses: 0, nextAtMs: 9_000, lastError: "no" },
        { position: 7, attempts: 2, losses: 1, nextAtMs: 100, lastError: "no" },
        { position: 10, attempts: 1, losses: 0, nextAtMs: 100, lastError: "gone meanwhile" },
      ],
    },
  );
  expect(cursor.readFrom).toBe(3);
  offer(cursor, 1, 8);
  expect(cursor.openRecords).toBe(4);
  expect(short(cursor.take(1_000))).toEqual(["b1:4-4#1", "b1:7-7#4", "b1:8-8#1"]);
  offer(cursor, 15, 10);
  expect(short(cursor.take(9_000))).toEqual(["b1:3-3#2", "b15:21-24#1"]);
  for (const [first, last] of [
    [3, 8],
    [21, 24],
  ] as const) {
    cursor.ack(first, last);
  }
  expect(cursor.snapshot().state).toEqual({ floor: 25, done: [], attempts: [] });
});

test("delivery cursor - late, double and foreign acknowledgements change nothing", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 2);
  cursor.take(0, 1);
  cursor.ack(1, 1);
  const before = cursor.snapshot();
  cursor.ack(1, 1);
  cursor.ack(2, 900);
  cursor.ack(-5, 0);
  cursor.nack(1, 900, 0, "no");
  cursor.lostAll(0, "no");
  cursor.handBack(1, 900);
  expect(cursor.snapshot()).toEqual(before);
});

test("delivery cursor - a batch that is known is not taken twice", () => {
  const cursor = cursorOf();
  offer(cursor, 1, 5);
  offer(cursor, 1, 5);
  cursor.skipTo(3);
  expect(cursor.openRecords).toBe(5);
  expect(short(cursor.take(0))).toEqual(["b1:1-5#1"]);
});
