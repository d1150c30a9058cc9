/** A host's queue, its link and a worker that takes what it gets when it likes, against a plain account of credit. */
import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import type { Priority } from "../../src/core/priority.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { frameOfBatch } from "../../src/host/delivery.ts";
import { InboundBatch } from "../../src/host/link/inbound-batch.ts";
import { InboundRoute, RouteNumbers } from "../../src/host/link/inbound-routes.ts";
import { LinkSink } from "../../src/host/link/link-sink.ts";
import { type FrameSink, messagesIn, type OutboundFrame, Outbox } from "../../src/host/outbox.ts";
import { OpenBatch } from "../../src/wire/link/batch-frame.ts";
import { creditOf, type LinkFrame, messagesOf, readPacket } from "../../src/wire/link/frames.ts";
import type { CreditWindow } from "../../src/wire/link/packet-writer.ts";
import { Receipts } from "../../src/wire/link/receipts.ts";

/** Nothing here is compressed. */
const READS_NONE = { encodings: new Set<number>(), onUnreadable: () => undefined };

/** The share of the window that urgent frames may use beyond it. */
const URGENT = 1.25;

class Stream extends EventEmitter {
  readonly packets: Uint8Array[] = [];
  isFull = false;

  write(packet: Uint8Array): boolean {
    this.packets.push(packet);
    return !this.isFull;
  }
}

type Counted = Exclude<LinkFrame, { kind: "control" }>;

/** The account: what waits by level, what is under way and not credited, what the worker has. */
interface Account {
  readonly waiting: Record<"high" | "normal", number[]>;
  /** Sequences that were written on the stream of now, with their sizes. */
  written: { sequence: number; bytes: number; messages: number }[];
  /** Of those, so many bytes and messages came back as credit. */
  credited: CreditWindow;
  window: CreditWindow;
  highs: number;
  lastSequence: number;
}

interface Real {
  readonly outbox: Outbox;
  stream: Stream;
  sink: LinkSink;
  receipts: Receipts;
  /** Credit on its way to the host. */
  credits: CreditWindow[];
  /** Frames at the worker that wait for room there. */
  arrived: Counted[];
  readonly routes: Record<"high" | "normal", InboundRoute>;
}

type Command = fc.Command<Account, Real>;

function outstanding({ written, credited }: Account): CreditWindow {
  let bytes = 0 - credited.bytes;
  let messages = 0 - credited.messages;
  for (const one of written) {
    bytes += one.bytes;
    messages += one.messages;
  }
  return { bytes, messages };
}

function hasRoom(account: Account, share: number): boolean {
  const { bytes, messages } = outstanding(account);
  return bytes < account.window.bytes * share && messages < account.window.messages * share;
}

/** Notes each frame that leaves the queue, and whether it may. */
function watched(sink: LinkSink, account: Account): FrameSink {
  return {
    get takesUrgent() {
      return sink.takesUrgent;
    },
    write(bytes: Uint8Array, frame: OutboundFrame): boolean {
      const level = frame.priority === "high" ? "high" : "normal";
      const { high, normal } = account.waiting;
      const sequence = (frame.envelope as InboundBatch).sequence;
      expect(hasRoom(account, level === "high" ? URGENT : 1)).toBe(true);
      // The urgent ones first, and each level in its order.
      expect(sequence).toBe((high.length > 0 ? high : normal)[0] ?? -1);
      account.waiting[level].shift();
      account.written.push({ sequence, bytes: bytes.byteLength, messages: messagesIn(frame) });
      return sink.write(bytes, frame);
    },
  };
}

function connect(account: Account, real: Real, window: CreditWindow): void {
  account.window = window;
  account.written = [];
  account.credited = { bytes: 0, messages: 0 };
  real.stream = new Stream();
  real.credits = [];
  real.arrived = [];
  real.sink = new LinkSink(real.stream, window, () => real.outbox.drained(), READS_NONE);
  real.receipts.close();
  real.receipts = new Receipts(window, (bytes, messages) => real.credits.push({ bytes, messages }));
  real.outbox.attach(watched(real.sink, account));
}

/** What holds at every moment. */
function check(account: Account, real: Real): void {
  const { waiting, window } = account;
  real.sink.flush();
  const now = outstanding(account);
  expect(real.sink.underWay).toEqual(now);
  const last = account.written.at(-1);
  // The last frame may go over the window, and urgent ones over a quarter more.
  expect(now.bytes - (last?.bytes ?? 0)).toBeLessThan(window.bytes * URGENT);
  expect(now.messages - (last?.messages ?? 0)).toBeLessThan(window.messages * URGENT);
  if (hasRoom(account, 1) && !real.stream.isFull) {
    expect(waiting).toEqual({ high: [], normal: [] });
  }
  expect(real.outbox.queuedMessages > 0).toBe(waiting.high.length + waiting.normal.length > 0);
}

class Publish implements Command {
  readonly #priority: Priority & ("high" | "normal");
  readonly #records: number;
  readonly #bytes: number;

  constructor(isUrgent: boolean, records: number, bytes: number) {
    this.#priority = isUrgent ? "high" : "normal";
    this.#records = records;
    this.#bytes = bytes;
  }

  check({ highs }: Readonly<Account>): boolean {
    // Beyond so many in a row a lower level has its turn, which is for the queue's own tests.
    return this.#priority === "normal" || highs < 30;
  }

  run(account: Account, real: Real): void {
    const batch = new OpenBatch();
    for (let record = 0; record < this.#records; record += 1) {
      batch.append(new Uint8Array(this.#bytes), undefined);
    }
    const first = account.lastSequence + 1;
    account.lastSequence += this.#records;
    account.highs += this.#priority === "high" ? 1 : 0;
    const [frame] = readPacket(batch.close(1, first));
    if (frame?.kind !== "batch") {
      throw new Error("not a batch");
    }
    account.waiting[this.#priority].push(first);
    const inbound = new InboundBatch(frame, real.routes[this.#priority]);
    expect(real.outbox.offer(frameOfBatch(inbound, this.#priority))).toEqual([]);
    check(account, real);
  }

  toString(): string {
    return `publish ${this.#records} x ${this.#bytes} ${this.#priority}`;
  }
}

/** The worker reads its stream, and has room for some of what came. */
class Take implements Command {
  readonly #frames: number;

  constructor(frames: number) {
    this.#frames = frames;
  }

  check(): boolean {
    return true;
  }

  run(account: Account, real: Real): void {
    for (const packet of real.stream.packets.splice(0)) {
      for (const frame of readPacket(packet)) {
        if (frame.kind !== "control") {
          real.arrived.push(frame);
        }
      }
    }
    for (const frame of real.arrived.splice(0, this.#frames)) {
      real.receipts.take(creditOf(frame), messagesOf(frame));
    }
    check(account, real);
  }

  toString(): string {
    return `take ${this.#frames}`;
  }
}

/** As after the time that little credit waits. */
class TellCredit implements Command {
  check(): boolean {
    return true;
  }

  run(account: Account, real: Real): void {
    real.receipts.tell();
    check(account, real);
  }

  toString(): string {
    return "tell";
  }
}

class Credit implements Command {
  check(): boolean {
    return true;
  }

  run(account: Account, real: Real): void {
    const credit = real.credits.shift();
    if (credit !== undefined) {
      account.credited = credit;
      real.sink.taken(credit.bytes, credit.messages);
    }
    check(account, real);
  }

  toString(): string {
    return "credit";
  }
}

class FillStream implements Command {
  check(): boolean {
    return true;
  }

  run(account: Account, real: Real): void {
    if (real.stream.isFull) {
      real.stream.isFull = false;
      real.stream.emit("drain");
    } else if (hasRoom(account, 1)) {
      // Only the next write tells the host that the stream has had enough.
      new Publish(false, 1, 1).run(account, real);
      real.stream.isFull = true;
      new Publish(false, 1, 1).run(account, real);
    }
    check(account, real);
  }

  toString(): string {
    return "fill or drain the stream";
  }
}

/** The connection breaks, and the worker comes back, perhaps with another window: what it had not taken comes again. */
class Reconnect implements Command {
  readonly #window: CreditWindow;

  constructor(window: CreditWindow) {
    this.#window = window;
  }

  check(): boolean {
    return true;
  }

  run(account: Account, real: Real): void {
    const untaken = real.sink.close();
    const waiting = real.outbox.close();
    let { bytes, messages } = account.credited;
    const expected: number[] = [];
    for (const one of account.written) {
      bytes -= one.bytes;
      messages -= one.messages;
      if (bytes < 0 || messages < 0) {
        expected.push(one.sequence);
      }
    }
    expect(untaken.map(({ envelope }) => (envelope as InboundBatch).sequence)).toEqual(expected);
    const { high, normal } = account.waiting;
    expect(waiting).toHaveLength(high.length + normal.length);
    account.waiting.high = [];
    account.waiting.normal = [];
    connect(account, real, this.#window);
    for (const frame of [...untaken, ...waiting]) {
      const { sequence } = frame.envelope as InboundBatch;
      account.waiting[frame.priority === "high" ? "high" : "normal"].push(sequence);
      real.outbox.offer(frame);
    }
    check(account, real);
  }

  toString(): string {
    return `reconnect with ${this.#window.bytes} bytes, ${this.#window.messages} messages`;
  }
}

const windows = fc.record({
  bytes: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 150, max: 300 })),
  messages: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(Number.POSITIVE_INFINITY)),
});

const commands = fc.commands<Account, Real>(
  [
    fc
      .tuple(fc.boolean(), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 60 }))
      .map(([isUrgent, records, bytes]) => new Publish(isUrgent, records, bytes)),
    fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 4 }))
      .map(([records, bytes]) => new Publish(false, records, bytes)),
    // Frames of a fifth of a small window, with which it gets a little overfull.
    fc
      .tuple(fc.boolean(), fc.integer({ min: 1, max: 4 }))
      .map(([isUrgent, records]) => new Publish(isUrgent, records, 20)),
    fc.integer({ min: 1, max: 8 }).map((frames) => new Take(frames)),
    fc.constant(new Take(1)),
    fc.constant(new TellCredit()),
    fc.constant(new Credit()),
    fc.constant(new Credit()),
    fc.constant(new FillStream()),
    windows.map((window) => new Reconnect(window)),
  ],
  { maxCommands: 80 },
);

test("property - credit from a host to a worker: never more than the window, never stuck, the urgent first", () => {
  fc.assert(
    fc.property(windows, commands, (window, steps) => {
      const routeOf = (headers: Readonly<Record<string, string>>): InboundRoute =>
        new InboundRoute(
          {
            ...{ topic: new TopicId("t", "s"), sender: undefined, headers, dataType: "D" },
            ...{ contentType: "c", producer: "p", receivers: [] },
          },
          numbers,
        );
      const numbers = new RouteNumbers();
      const account: Account = {
        ...{ waiting: { high: [], normal: [] }, written: [], credited: { bytes: 0, messages: 0 } },
        ...{ window, highs: 0, lastSequence: 0 },
      };
      const outbox = new Outbox({ maxMessages: 1_000_000, maxBytes: 1_000_000_000 });
      const stream = new Stream();
      const real: Real = {
        ...{ outbox, stream, credits: [], arrived: [] },
        sink: new LinkSink(stream, window, () => undefined, READS_NONE),
        receipts: new Receipts(window, () => undefined),
        routes: { high: routeOf({ priority: "high" }), normal: routeOf({}) },
      };
      connect(account, real, window);
      try {
        fc.modelRun(() => ({ model: account, real }), steps);
        // Whatever happened before, a worker that goes on gets everything.
        for (let turns = 0; real.outbox.queuedMessages > 0; turns += 1) {
          expect(turns).toBeLessThan(10_000);
          if (real.stream.isFull) {
            real.stream.isFull = false;
            real.stream.emit("drain");
          }
          real.sink.flush();
          new Take(1).run(account, real);
          new TellCredit().run(account, real);
          new Credit().run(account, real);
        }
      } finally {
        real.receipts.close();
        real.sink.close();
      }
    }),
    { numRuns: 1_000 },
  );
});
