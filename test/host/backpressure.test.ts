import { expect, test } from "bun:test";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { Backpressure } from "../../src/host/backpressure.ts";
import { event, type FakeWorker, InMemoryHost } from "./in-memory-host.ts";

const TOPIC = new TopicId("topic", "s");
const LIMITS = { outboxMaxMessages: 100 };

/** A host with a publisher and receivers of one topic, the stuck ones with a full stream. */
function scene(receivers: Readonly<Record<string, "stuck" | "reading">>): {
  readonly host: InMemoryHost;
  readonly publisher: FakeWorker;
  readonly publish: (count: number) => void;
  readonly receiver: (name: string) => FakeWorker;
} {
  const host = new InMemoryHost(LIMITS);
  const publisher = host.join("publisher");
  const workers = new Map<string, FakeWorker>();
  for (const [name, how] of Object.entries(receivers)) {
    const worker = host.join(name, how === "stuck" ? 0 : Number.POSITIVE_INFINITY);
    worker.register(name);
    worker.subscribe(new TypeSubscription("topic", name));
    workers.set(name, worker);
  }
  let sent = 0;
  return {
    host,
    publisher,
    publish: (count) => {
      for (let index = 0; index < count; index += 1) {
        sent += 1;
        publisher.send(event(String(sent), "topic"));
      }
    },
    receiver: (name) => workers.get(name) as FakeWorker,
  };
}

test("backpressure - a publisher is held while its only receiver is crowded, and goes on below a quarter", () => {
  const { host, publisher, publish, receiver } = scene({ only: "stuck" });
  using _host = host;
  publish(50);
  expect(publisher.stream.isPaused).toBe(false);
  publish(1);
  expect(publisher.stream.isPaused).toBe(true);
  receiver("only").stream.drain(20);
  expect(receiver("only").session.outbox.queuedMessages).toBe(31);
  expect(publisher.stream.isPaused).toBe(true);
  receiver("only").stream.drain(7);
  expect(receiver("only").session.outbox.queuedMessages).toBe(24);
  expect(publisher.stream.isPaused).toBe(false);
  expect(host.totals.shed).toBe(0);
});

test("backpressure - one slow receiver among others holds nobody back, and sheds", () => {
  const { host, publisher, publish, receiver } = scene({ slow: "stuck", quick: "reading" });
  using _host = host;
  publish(300);
  expect(publisher.stream.isPaused).toBe(false);
  expect(receiver("quick").received()).toHaveLength(300);
  expect(host.totals.shed).toBe(200);
});

test("backpressure - all receivers crowded hold the publisher until one of them has caught up", () => {
  const { host, publisher, publish, receiver } = scene({ one: "stuck", two: "stuck" });
  using _host = host;
  publish(60);
  expect(publisher.stream.isPaused).toBe(true);
  receiver("two").stream.drain();
  expect(publisher.stream.isPaused).toBe(false);
});

test("backpressure - a receiver that leaves lets its publishers go on", () => {
  const { host, publisher, publish, receiver } = scene({ only: "stuck" });
  using _host = host;
  publish(60);
  expect(publisher.stream.isPaused).toBe(true);
  receiver("only").leave();
  expect(publisher.stream.isPaused).toBe(false);
});

test("backpressure - a publisher that leaves while it is held is forgotten", () => {
  const { host, publisher, publish, receiver } = scene({ only: "stuck" });
  using _host = host;
  publish(60);
  publisher.leave();
  receiver("only").stream.drain();
  expect(receiver("only").received()).toHaveLength(60);
});

test("backpressure - after the longest hold the receiver is slow, until it has caught up", () => {
  let nowMs = 1_000;
  const { host, publisher, publish, receiver } = scene({ only: "stuck" });
  using _host = host;
  const backpressure = new Backpressure(500, () => nowMs);
  const { session } = receiver("only");
  publish(51);
  publisher.stream.resume();

  const hold = (): void => backpressure.consider(publisher.session, [session], TOPIC);
  hold();
  expect(publisher.stream.isPaused).toBe(true);
  nowMs += 499;
  backpressure.releaseOverdue();
  expect(publisher.stream.isPaused).toBe(true);
  nowMs += 1;
  backpressure.releaseOverdue();
  expect(publisher.stream.isPaused).toBe(false);
  expect(session.isSlow).toBe(true);
  hold();
  expect(publisher.stream.isPaused).toBe(false);

  receiver("only").stream.drain(40);
  expect(session.isSlow).toBe(false);
});

test("backpressure - a hold of 0 ms never holds anybody back", () => {
  const { host, publisher, publish, receiver } = scene({ only: "stuck" });
  using _host = host;
  const backpressure = new Backpressure(0);
  publish(51);
  publisher.stream.resume();
  backpressure.consider(publisher.session, [receiver("only").session], TOPIC);
  expect(publisher.stream.isPaused).toBe(false);
});
