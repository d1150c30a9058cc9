/** What becomes of messages for a worker that does not read, by what their topics declare. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AgentrtError } from "../../src/core/errors.ts";
import type { FullQueuePolicy } from "../../src/core/full-queue.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { frameOfBatch } from "../../src/host/delivery.ts";
import { FullQueuePolicies } from "../../src/host/full-queue-policies.ts";
import { InboundBatch } from "../../src/host/link/inbound-batch.ts";
import { InboundRoute, RouteNumbers } from "../../src/host/link/inbound-routes.ts";
import { type OutboundFrame, Outbox, type Shed } from "../../src/host/outbox.ts";
import { OpenBatch } from "../../src/wire/link/batch-frame.ts";
import { eventsOf } from "../../src/wire/link/batched-event.ts";
import { readPacket } from "../../src/wire/link/frames.ts";
import { thrownBy } from "../kit/thrown.ts";
import { event, exact, type FakeWorker, InMemoryHost, request } from "./in-memory-host.ts";
import { failures, idsOf } from "./router-outcomes.ts";

const POLICIES = { "old.*": "drop-oldest", "new.*": "keep-latest", "new.but": "block" } as const;

/** A host, and a worker with a full stream that is subscribed to these topics. */
function stuckAt(topics: readonly string[], outboxMaxMessages: number) {
  const host = new InMemoryHost({ outboxMaxMessages, fullQueue: POLICIES });
  const stuck = host.join("stuck", 0);
  stuck.register("a");
  stuck.subscribe(...topics.map((topic) => exact(topic, "a")));
  const publisher = host.join("publisher");
  return { host, stuck, publisher };
}

const read = (worker: FakeWorker): string[] => {
  worker.stream.drain();
  return idsOf(worker.received());
};

describe("full queue - policies", () => {
  test("the exact topic counts, then the longest beginning; all others block", () => {
    const policies = new FullQueuePolicies({
      ...{ "a*": "drop-oldest", "a.b*": "keep-latest", "a.b.c": "block", "*": "drop-oldest" },
    });
    expect(["a", "a.b", "a.b.c", "a.b.c.d", "z"].map((topic) => policies.of(topic))).toEqual([
      ...["drop-oldest", "keep-latest", "block", "keep-latest", "drop-oldest"],
    ] as FullQueuePolicy[]);
    expect(new FullQueuePolicies().of("a")).toBe("block");
  });

  test("what names no topics, or no policy, is refused", () => {
    const asked: Record<string, string>[] = [{ "a*b": "block" }, { a: "never" }];
    for (const declared of asked) {
      const error = thrownBy(
        () => new FullQueuePolicies(declared as Record<string, FullQueuePolicy>),
      );
      expect(error).toBeInstanceOf(AgentrtError);
      expect((error as AgentrtError).code).toBe("INVALID_OPTION");
    }
  });
});

describe("full queue - drop-oldest", () => {
  test("the oldest go, counted with their own reason; nobody is held back or cut off", () => {
    const { host, stuck, publisher } = stuckAt(["old.1"], 3);
    using _host = host;
    for (const id of ["1", "2", "3", "4", "5"]) {
      publisher.send(event(id, "old.1"));
    }
    expect(publisher.stream.isPaused).toBe(false);
    expect(host.totals.shed).toBe(2);
    expect(host.deadLetters.byReason).toEqual({ DROPPED_OLDEST: 2 });
    expect(host.deadLetters.recent[0]?.detail).toBe(
      "Worker stuck does not read fast enough; its outbox is full, and messages of this topic make way for others.",
    );
    expect(host.topics.report(9)).toMatchObject([{ dropped: 2, fullQueue: "drop-oldest" }]);
    expect(read(stuck)).toEqual(["3", "4", "5"]);
  });

  test("they make way for others before those are dropped or refused, and not the other way round", () => {
    const { host, stuck, publisher } = stuckAt(["old.1", "t"], 4);
    using _host = host;
    for (const id of ["1", "2", "3", "4"]) {
      publisher.send(event(id, "old.1"));
    }
    publisher.send(event("5", "t"));
    publisher.send(request("call", "a"));
    expect(failures(publisher.received())).toEqual([]);
    publisher.send(event("6", "t"));
    publisher.send(event("7", "t"));
    expect(host.deadLetters.byReason).toEqual({ DROPPED_OLDEST: 4 });
    publisher.send(event("8", "old.1"));
    expect(host.deadLetters.byReason).toEqual({ DROPPED_OLDEST: 5 });
    publisher.send(event("9", "t"));
    expect(host.deadLetters.byReason).toEqual({ DROPPED_OLDEST: 5, QUEUE_FULL: 1 });
    expect(read(stuck)).toHaveLength(4);
  });

  test("a worker is not cut off for them, though the policy for slow workers says so", () => {
    using host = new InMemoryHost({
      ...{ outboxMaxMessages: 1, fullQueue: POLICIES, slowWorkerPolicy: "disconnect" },
    });
    const stuck = host.join("stuck", 0);
    stuck.register("a");
    stuck.subscribe(exact("old.1", "a"), exact("new.1", "a"));
    for (const id of ["1", "2"]) {
      stuck.send(event(id, "old.1"));
      stuck.send(event(`k${id}`, "new.1"));
    }
    expect(host.totals).toMatchObject({ shed: 3, workersExpelled: 0 });
  });

  test("publishers of other topics are not held back by what makes way", () => {
    const { host, publisher, stuck } = stuckAt(["old.1", "t"], 10);
    using _host = host;
    for (let count = 0; count < 20; count += 1) {
      publisher.send(event(`${count}`, "old.1"));
    }
    publisher.send(event("t", "t"));
    expect([stuck.session.outbox.queuedMessages, publisher.stream.isPaused]).toEqual([10, false]);
  });

  test("their publishers are not held back by other topics' messages either", () => {
    const { host, publisher } = stuckAt(["old.1", "t"], 10);
    using _host = host;
    const other = host.join("other");
    for (let count = 0; count < 7; count += 1) {
      other.send(event(`${count}`, "t"));
    }
    publisher.send(event("x", "old.1"));
    expect([other.stream.isPaused, publisher.stream.isPaused]).toEqual([true, false]);
  });
});

describe("full queue - keep-latest", () => {
  test("the newest of each source or retain key waits, in the place of the first; the others are counted", () => {
    const { host, stuck, publisher } = stuckAt(["new.1", "t"], 100);
    using _host = host;
    publisher.send(event("a1", "new.1"));
    publisher.send(event("b1", "new.1", { retainkey: "b" }));
    publisher.send(event("t", "t"));
    publisher.send(event("b2", "new.1", { retainkey: "b" }));
    publisher.send(event("a2", "new.1"));
    publisher.send(event("c1", "new.1", { retainkey: "c" }));
    publisher.send(event("a3", "new.1"));
    expect(host.deadLetters.byReason).toEqual({ SUPERSEDED: 3 });
    expect(host.topics.report(9)).toMatchObject([{ dropped: 3 }, { dropped: 0 }]);
    expect(read(stuck)).toEqual(["a3", "b2", "t", "c1"]);
  });

  test("a newer one of another priority goes to its own place", () => {
    const { host, stuck, publisher } = stuckAt(["new.1", "t"], 100);
    using _host = host;
    publisher.send(event("1", "new.1"));
    publisher.send(event("t", "t"));
    publisher.send(event("2", "new.1", { priority: "high" }));
    publisher.send(event("3", "new.1", { priority: "low" }));
    expect(host.deadLetters.byReason).toEqual({ SUPERSEDED: 2 });
    expect(read(stuck)).toEqual(["t", "3"]);
  });

  test("a topic within that is declared otherwise keeps all", () => {
    const { host, stuck, publisher } = stuckAt(["new.but"], 100);
    using _host = host;
    publisher.send(event("1", "new.but"));
    publisher.send(event("2", "new.but"));
    expect(read(stuck)).toEqual(["1", "2"]);
  });
});

const numbers = new RouteNumbers();

function routeOf(type: string, source: string, key?: string): InboundRoute {
  const headers: Record<string, string> = key === undefined ? {} : { retainkey: key };
  return new InboundRoute(
    {
      ...{ topic: new TopicId(type, source), sender: undefined, headers, dataType: "D" },
      ...{ contentType: "c", producer: "p", receivers: [] },
    },
    numbers,
  );
}

const ROUTES = [
  ...[routeOf("new.1", "1"), routeOf("new.1", "2"), routeOf("new.1", "2", "k")],
  ...[routeOf("old.1", "1"), routeOf("old.1", "2"), routeOf("t", "1")],
];

function batchOn(route: InboundRoute, sequence: number, count: number): OutboundFrame {
  const batch = new OpenBatch();
  for (let index = 0; index < count; index += 1) {
    batch.append(Buffer.from(String(sequence + index)), undefined);
  }
  const [frame] = readPacket(batch.close(1, sequence));
  if (frame?.kind !== "batch") {
    throw new Error("not a batch");
  }
  return frameOfBatch(new InboundBatch(frame, route), "normal");
}

/** The records of a frame, read from the bytes that go out. */
function recordsIn({ bytes, envelope }: OutboundFrame): number[] {
  const [frame] = readPacket(bytes);
  if (frame?.kind !== "batch" || envelope.kind !== "batch") {
    throw new Error("not a batch");
  }
  const { route } = envelope;
  return eventsOf({ ...frame, kind: "batch", route }).map(({ sequence, data }) => {
    expect(Buffer.from(data).toString()).toBe(String(sequence));
    return sequence;
  });
}

/** The first records of the batch are those that went; a whole one went whole. */
function lostIn({ frame, messages }: Shed): number[] {
  return recordsIn(frame).slice(0, messages);
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      route: fc.nat(ROUTES.length - 1),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ read: fc.integer({ min: 1, max: 5 }) }) },
);

test("property - full queue - every record of a batch arrives once or is counted once, and of a key the newest arrives", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 30 }),
      (steps, maxMessages) => {
        const outbox = new Outbox(
          { maxMessages, maxBytes: 1_000_000 },
          Date.now,
          new FullQueuePolicies(POLICIES),
        );
        const got: number[] = [];
        const lost: number[] = [];
        const lastOf = new Map<InboundRoute, number>();
        const routeOfRecord = new Map<number, InboundRoute>();
        let room = 0;
        outbox.attach({
          write(_bytes, frame) {
            got.push(...recordsIn(frame));
            room -= 1;
            return room > 0;
          },
        });
        let published = 0;
        let isOverfull = false;
        const offer = (route: InboundRoute, count: number): void => {
          for (let index = 1; index <= count; index += 1) {
            routeOfRecord.set(published + index, route);
          }
          const shed = outbox.offer(batchOn(route, published + 1, count));
          published += count;
          lastOf.set(route, published);
          isOverfull ||= shed.some(({ reason }) => reason !== "superseded");
          lost.push(...shed.flatMap(lostIn));
          for (const { frame, reason } of shed) {
            const { topic } = frame.envelope as InboundBatch;
            // A topic whose publishers are slowed down loses for want of room alone; the others make way before.
            expect([topic.type, reason]).toEqual([
              topic.type,
              topic.type === "t" ? "full" : reason === "full" ? "never" : reason,
            ]);
          }
          // The last batch may go over the limit.
          expect(outbox.queuedMessages).toBeLessThan(maxMessages + 6);
        };
        offer(ROUTES[5] as InboundRoute, 1);
        for (const one of steps) {
          if ("read" in one) {
            room = one.read;
            outbox.drained();
          } else {
            offer(ROUTES[one.route] as InboundRoute, one.count);
          }
        }
        room = Number.POSITIVE_INFINITY;
        outbox.drained();
        const all = Array.from({ length: published }, (_, index) => index + 1);
        expect([...got, ...lost].toSorted((a, b) => a - b)).toEqual(all);
        for (const route of ROUTES) {
          const ofRoute = got.filter((sequence) => routeOfRecord.get(sequence) === route);
          expect(ofRoute).toEqual(ofRoute.toSorted((a, b) => a - b));
          const last = lastOf.get(route);
          if (!isOverfull && last !== undefined) {
            expect(ofRoute.at(-1)).toBe(last);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("full queue - what was sent and not taken is not cut when it is sent again, and comes before what waits", () => {
  const outbox = new Outbox(
    { maxMessages: 100, maxBytes: 1_000_000 },
    Date.now,
    new FullQueuePolicies(POLICIES),
  );
  const [one, two, , , , plain] = ROUTES as [InboundRoute, InboundRoute, 0, 0, 0, InboundRoute];
  expect(outbox.offer(batchOn(one, 20, 3)).map(({ messages }) => messages)).toEqual([2]);
  outbox.offer(batchOn(plain, 30, 2));
  const shed = outbox.sendAgain([batchOn(plain, 1, 2), batchOn(two, 3, 3), batchOn(one, 6, 3)]);
  expect(shed.flatMap(lostIn)).toEqual([6, 7, 8]);
  const got: number[] = [];
  outbox.attach({ write: (_bytes, frame) => got.push(...recordsIn(frame)) > 0 });
  expect(got).toEqual([1, 2, 3, 4, 5, 22, 30, 31]);
});
