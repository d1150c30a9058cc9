/** What the outgoing queue does with messages of durable topics while the host's disk is slow. */
import { describe, expect, test } from "bun:test";
import { TopicId } from "../../src/core/topic-id.ts";
import { readPacket } from "../../src/wire/link/frames.ts";
import type { BatchedForm } from "../../src/worker/batched-form.ts";
import type { BatchSink, FrameSink } from "../../src/worker/frame-sink.ts";
import { OutgoingQueue } from "../../src/worker/outgoing-queue.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";

/** A connection that takes everything, to a host that says what it is told to. */
class Link implements FrameSink {
  readonly records: { readonly topic: string; readonly first: number; readonly last: number }[] =
    [];
  bytes = 0;
  say: (accepted: number, received: number) => void = () => undefined;
  readonly batches: BatchSink;

  constructor(windowBytes: number, accepted = 0) {
    this.batches = {
      accepted,
      encoding: undefined,
      window: { bytes: windowBytes, messages: 10_000 },
      write: (bytes, { route }) => {
        const [frame] = readPacket(bytes);
        if (frame?.kind === "batch") {
          const { sequence, count } = frame;
          const last = sequence + count - 1;
          this.records.push({ topic: route.topic.type, first: sequence, last });
        }
        this.bytes += bytes.byteLength;
        return true;
      },
      forget: () => undefined,
      onAccepted: (listener) => {
        this.say = listener;
      },
      onDurable: (onPatterns) => onPatterns([{ kind: "type", text: "durable" }]),
    };
  }

  get last(): number {
    return this.records.at(-1)?.last ?? 0;
  }

  write(): boolean {
    return true;
  }

  onDrain(): void {
    // It is never full.
  }
}

function newQueue(): OutgoingQueue {
  return new OutgoingQueue({
    limits: { maxMessages: 1_000, maxBytes: 1_000_000 },
    maxMessageBytes: 10_000,
    producer: "test",
    onWritten: () => undefined,
  });
}

function record(topicType: string, bytes = 1): BatchedForm {
  const route = {
    topic: new TopicId(topicType, "s"),
    sender: undefined,
    headers: {},
    dataType: "X",
    contentType: "application/json",
  };
  return { kind: "record", route, data: new Uint8Array(bytes), extras: undefined };
}

describe("durable topics in the outgoing queue", () => {
  test("what the host has received of plain topics is not kept for what it has not stored yet", async () => {
    const queue = newQueue();
    const link = new Link(1_000_000);
    queue.attach(link);
    const stored = queue.publish(record("durable"));
    for (let number = 2; number <= 4; number += 1) {
      await queue.publish(record("plain"));
      await waitFor(() => link.last === number, { what: "the record", intervalMs: 1 });
    }
    link.say(0, 3);
    queue.detach();
    const next = new Link(1_000_000);
    queue.attach(next);
    expect(next.records).toEqual([
      { topic: "durable", first: 1, last: 1 },
      { topic: "plain", first: 4, last: 4 },
    ]);
    next.say(4, 4);
    await stored;
  });

  test("a part of the window stays free of them, and they come in order as others are stored", async () => {
    const queue = newQueue();
    const link = new Link(10_000);
    queue.attach(link);
    const done: number[] = [];
    const all = Array.from({ length: 40 }, async (_, n) => {
      await queue.publish(record("durable", 1_000));
      done.push(n);
    });
    await waitFor(() => link.last >= 7, { what: "the first", intervalMs: 1 });
    expect(link.bytes).toBeLessThan(10_000);
    await queue.publish(record("plain"));
    await waitFor(() => link.records.at(-1)?.topic === "plain", { what: "a plain one" });
    expect(link.bytes).toBeLessThan(10_000);
    while (done.length < 40) {
      const before = link.last;
      link.say(before, before);
      await waitFor(() => done.length === 40 || link.last > before, {
        ...{ what: "the next", intervalMs: 1 },
      });
    }
    await Promise.all(all);
    expect(done).toEqual(Array.from({ length: 40 }, (_, n) => n));
    await queue.emptied();
  });

  test("those that wait for their part of the window are bounded, and hear of a lost connection", async () => {
    const queue = newQueue();
    queue.attach(new Link(10_000));
    const outcomes = Array.from({ length: 1_020 }, () =>
      rejectionOf(Promise.resolve(queue.publish(record("durable", 1_000)))),
    );
    expect((await outcomes[1_019])?.code).toBe("QUEUE_FULL");
    queue.detach();
    // What the queue itself has room for stays for the next connection.
    expect((await outcomes[1_005])?.code).toBe("NOT_CONNECTED");
    expect(queue.length).toBeGreaterThan(900);
    queue.clear();
    await Promise.all(outcomes);
  });
});
