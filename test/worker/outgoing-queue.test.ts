import { describe, expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { Envelope, EventEnvelope } from "../../src/core/envelope.ts";
import type { Priority } from "../../src/core/priority.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { decodeMessage } from "../../src/wire/autogen/codec.ts";
import type { FrameSink } from "../../src/worker/frame-sink.ts";
import { OutgoingRequest } from "../../src/worker/outgoing.ts";
import { OutgoingQueue } from "../../src/worker/outgoing-queue.ts";
import { rejectionOf } from "../kit/thrown.ts";

function event(id: string, priority: Priority = "normal", bytes = 1): EventEnvelope {
  return {
    kind: "event",
    id,
    topic: new TopicId("t", "s"),
    sender: undefined,
    headers: { priority },
    payload: { dataType: "X", contentType: "application/json", data: new Uint8Array(bytes) },
  };
}

/** Takes so many frames, then asks to wait. */
class TestSink implements FrameSink {
  readonly ids: string[] = [];
  #room: number;
  #drain: () => void = () => undefined;

  constructor(room: number) {
    this.#room = room;
  }

  write(bytes: Uint8Array): boolean {
    this.ids.push(decodeMessage(bytes).id);
    this.#room -= 1;
    return this.#room > 0;
  }

  onDrain(listener: () => void): void {
    this.#drain = listener;
  }

  takeMore(room: number): void {
    this.#room = room;
    this.#drain();
  }
}

function queue(maxMessages: number, maxMessageBytes = 10_000, maxBytes = 1_000_000) {
  const written: Envelope[] = [];
  const outgoing = new OutgoingQueue({
    limits: { maxMessages, maxBytes },
    maxMessageBytes,
    producer: "test",
    onWritten: (envelope) => written.push(envelope),
  });
  return { outgoing, written };
}

describe("outgoing queue", () => {
  test("detached - keeps up to its limit, then NOT_CONNECTED; attached - writes what it kept", async () => {
    const { outgoing, written } = queue(2);
    await outgoing.send(event("a"), undefined);
    await outgoing.send(event("b"), undefined);
    expect((await rejectionOf(outgoing.send(event("c"), undefined))).code).toBe("NOT_CONNECTED");
    const sink = new TestSink(10);
    outgoing.attach(sink);
    expect(sink.ids).toEqual(["a", "b"]);
    expect(written.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("full sink - what is urgent overtakes what waits here", async () => {
    const { outgoing } = queue(10);
    const sink = new TestSink(1);
    outgoing.attach(sink);
    await outgoing.send(event("first"), undefined);
    await outgoing.send(event("low", "low"), undefined);
    await outgoing.send(event("normal"), undefined);
    await outgoing.send(event("high", "high"), undefined);
    expect(sink.ids).toEqual(["first"]);
    sink.takeMore(2);
    expect(sink.ids).toEqual(["first", "high", "normal"]);
    sink.takeMore(2);
    expect(sink.ids).toEqual(["first", "high", "normal", "low"]);
  });

  test("full queue - publishers wait in order, are bounded, and may give up", async () => {
    const { outgoing } = queue(2);
    const sink = new TestSink(1);
    outgoing.attach(sink);
    const done: string[] = [];
    const send = (id: string, signal?: AbortSignal): Promise<void> =>
      outgoing.send(event(id), signal).then(() => {
        done.push(id);
      });
    await send("written");
    await send("q1");
    await send("q2");
    const abort = new AbortController();
    const givesUp = rejectionOf(send("given up", abort.signal));
    const waits = send("waits");
    expect((await rejectionOf(send("too many"))).code).toBe("QUEUE_FULL");
    abort.abort();
    expect((await givesUp).code).toBe("CANCELLED");
    expect(done).toEqual(["written", "q1", "q2"]);
    sink.takeMore(10);
    await waits;
    await outgoing.emptied();
    expect(sink.ids).toEqual(["written", "q1", "q2", "waits"]);
  });

  test("full queue - a small message does not slip past a large one that waits", async () => {
    const { outgoing } = queue(10, 10_000, 2_000);
    const sink = new TestSink(1);
    outgoing.attach(sink);
    await outgoing.send(event("written"), undefined);
    await outgoing.send(event("queued", "normal", 500), undefined);
    const large = outgoing.send(event("large", "normal", 1_000), undefined);
    const small = outgoing.send(event("small"), undefined);
    sink.takeMore(10);
    await Promise.all([large, small]);
    await outgoing.emptied();
    expect(sink.ids).toEqual(["written", "queued", "large", "small"]);
  });

  test("detach - publishers that wait get NOT_CONNECTED, what is queued stays for the next sink", async () => {
    const { outgoing } = queue(1);
    const first = new TestSink(1);
    outgoing.attach(first);
    await outgoing.send(event("written"), undefined);
    await outgoing.send(event("queued"), undefined);
    const waits = rejectionOf(outgoing.send(event("waits"), undefined));
    outgoing.detach();
    expect((await waits).code).toBe("NOT_CONNECTED");
    first.takeMore(10);
    const second = new TestSink(10);
    outgoing.attach(second);
    expect([first.ids, second.ids]).toEqual([["written"], ["queued"]]);
  });

  test("what nobody waits for any more, and answers to another connection, are left out", async () => {
    const { outgoing, written } = queue(10);
    const old = new TestSink(10);
    const abort = new AbortController();
    await outgoing.send(event("given up"), abort.signal);
    await outgoing.send(event("old answer"), undefined, old);
    await outgoing.send(event("kept"), undefined);
    abort.abort();
    const sink = new TestSink(10);
    outgoing.attach(sink);
    expect(sink.ids).toEqual(["kept"]);
    expect(written).toHaveLength(1);
    await outgoing.emptied();
  });

  test("too large - refused before it takes room", async () => {
    const { outgoing } = queue(10, 100);
    const error = await rejectionOf(outgoing.send(event("large", "normal", 200), undefined));
    expect(error.code).toBe("TOO_LARGE");
    expect(outgoing.length).toBe(0);
  });

  test("clear - gives back what waits", async () => {
    const { outgoing } = queue(10);
    await outgoing.send(event("a"), undefined);
    expect(outgoing.clear()).toBe(1);
    expect(outgoing.length).toBe(0);
  });

  test("a call that waits keeps its data, whatever its caller does with the bytes", async () => {
    const { outgoing } = queue(2);
    const data = Buffer.from("before");
    const payload = { dataType: "X", contentType: "c", data };
    const request = new OutgoingRequest(
      { number: 1, id: "x.1" },
      new AgentId("a", "k"),
      payload,
      {},
    );
    await outgoing.send(request, undefined);
    data.fill("!");
    const texts: string[] = [];
    const write = (bytes: Uint8Array): boolean =>
      texts.push(Buffer.from(decodeMessage(bytes).payload.data).toString()) > 0;
    outgoing.attach({ write, onDrain: () => undefined });
    expect(texts).toEqual(["before"]);
  });
});
