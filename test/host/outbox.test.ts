import { expect, test } from "bun:test";
import { EMPTY_PAYLOAD } from "../../src/core/envelope.ts";
import type { Priority } from "../../src/core/priority.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { type OutboundFrame, Outbox, type Shed } from "../../src/host/outbox.ts";

function frame(id: string, priority: Priority = "normal", size = 1): OutboundFrame {
  return {
    envelope: {
      ...{ kind: "event", id, topic: new TopicId("topic", "source"), sender: undefined },
      ...{ headers: {}, payload: EMPTY_PAYLOAD },
    },
    bytes: Buffer.from(id),
    priority,
    size,
  };
}

function answer(id: string): OutboundFrame {
  const envelope = {
    kind: "response",
    id,
    error: "",
    headers: {},
    payload: EMPTY_PAYLOAD,
  } as const;
  return { ...frame(id), envelope };
}

const idsOf = (frames: readonly (OutboundFrame | Shed)[]): string[] =>
  frames.map((one) => Buffer.from(("frame" in one ? one.frame : one).bytes).toString());

/** Takes `room` frames, then says that it has enough. */
function sink(room: number): { got: string[]; room: number; write(bytes: Uint8Array): boolean } {
  return {
    got: [],
    room,
    write(bytes) {
      this.got.push(Buffer.from(bytes).toString());
      this.room -= 1;
      return this.room > 0;
    },
  };
}

test("outbox - frames wait until there is a stream, then go in order", () => {
  const outbox = new Outbox({ maxMessages: 10, maxBytes: 100 });
  outbox.offer(frame("1"));
  outbox.offer(frame("2", "high", 3));
  expect([outbox.queuedMessages, outbox.queuedBytes]).toEqual([2, 4]);
  const stream = sink(9);
  outbox.attach(stream);
  expect(stream.got).toEqual(["2", "1"]);
  outbox.offer(frame("3"));
  expect(stream.got).toEqual(["2", "1", "3"]);
  expect(outbox.queuedMessages).toBe(0);
});

test("outbox - nothing more goes to a stream that has enough, until it has drained", () => {
  const outbox = new Outbox({ maxMessages: 10, maxBytes: 100 });
  const stream = sink(2);
  outbox.attach(stream);
  for (const id of ["1", "2", "3", "4", "5"]) {
    expect(outbox.offer(frame(id))).toEqual([]);
  }
  expect(stream.got).toEqual(["1", "2"]);
  outbox.offer(frame("urgent", "high"));
  stream.room = 2;
  outbox.drained();
  expect(stream.got).toEqual(["1", "2", "urgent", "3"]);
  expect(outbox.queuedMessages).toBe(2);
});

test("outbox - a full one sheds the oldest that is not more urgent, or the new one", () => {
  const outbox = new Outbox({ maxMessages: 2, maxBytes: 100 });
  expect(idsOf(outbox.offer(frame("1")))).toEqual([]);
  expect(idsOf(outbox.offer(frame("2")))).toEqual([]);
  expect(outbox.hasRoomFor(1)).toBe(false);
  expect(idsOf(outbox.offer(frame("3")))).toEqual(["1"]);
  expect(idsOf(outbox.offer(frame("high 1", "high")))).toEqual(["2"]);
  expect(idsOf(outbox.offer(frame("high 2", "high")))).toEqual(["3"]);
  expect(idsOf(outbox.offer(frame("4")))).toEqual(["4"]);
  expect(idsOf(outbox.offer(frame("high 3", "high")))).toEqual(["high 1"]);
  expect(idsOf(outbox.close())).toEqual(["high 2", "high 3"]);
});

test("outbox - answers are not shed for newer frames, even more urgent ones", () => {
  const outbox = new Outbox({ maxMessages: 3, maxBytes: 100 });
  for (const one of [answer("a1"), frame("e1"), answer("a2")]) {
    expect(idsOf(outbox.offer(one))).toEqual([]);
  }
  expect(idsOf(outbox.offer(frame("e2")))).toEqual(["e1"]);
  expect(idsOf(outbox.offer(answer("a3")))).toEqual(["e2"]);
  expect(idsOf(outbox.offer(frame("e3", "high")))).toEqual(["e3"]);
  expect(idsOf(outbox.offer(answer("a4")))).toEqual(["a4"]);
  expect(idsOf(outbox.close())).toEqual(["a1", "a2", "a3"]);
});

test("outbox - a large frame sheds as many as its bytes need", () => {
  const outbox = new Outbox({ maxMessages: 10, maxBytes: 10 });
  for (const id of ["1", "2", "3"]) {
    outbox.offer(frame(id, "normal", 3));
  }
  expect(idsOf(outbox.offer(frame("large", "normal", 6)))).toEqual(["1", "2"]);
  expect(outbox.queuedBytes).toBe(9);
});

test("outbox - says for how long a stream has taken nothing while frames wait", () => {
  let now = 1_000;
  const outbox = new Outbox({ maxMessages: 10, maxBytes: 100 }, () => now);
  outbox.offer(frame("0"));
  now += 500;
  expect(outbox.blockedForMs).toBe(0);
  const stream = sink(2);
  outbox.attach(stream);
  outbox.offer(frame("1"));
  now += 500;
  expect(outbox.blockedForMs).toBe(0);
  outbox.offer(frame("2"));
  expect(outbox.blockedForMs).toBe(500);
  now += 100;
  expect(outbox.blockedForMs).toBe(600);
  stream.room = 9;
  outbox.drained();
  expect(outbox.blockedForMs).toBe(0);
});

test("outbox - a new stream takes over what the old one did not", () => {
  const outbox = new Outbox({ maxMessages: 10, maxBytes: 100 });
  const [first, second] = [sink(1), sink(9)];
  outbox.attach(first);
  outbox.offer(frame("1"));
  outbox.offer(frame("2"));
  outbox.attach(second);
  outbox.offer(frame("3"));
  expect([first.got, second.got]).toEqual([["1"], ["2", "3"]]);
});

test("outbox - a closed one gives back what waits, and sends no more", () => {
  const outbox = new Outbox({ maxMessages: 10, maxBytes: 100 });
  const stream = sink(1);
  outbox.attach(stream);
  outbox.offer(frame("1"));
  outbox.offer(frame("2"));
  expect(idsOf(outbox.close())).toEqual(["2"]);
  outbox.drained();
  outbox.offer(frame("3"));
  expect(stream.got).toEqual(["1"]);
  expect(outbox.close()).toHaveLength(1);
});
