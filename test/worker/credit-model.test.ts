/** A worker's queue and a host that takes what it gets when it likes, over many connections, against a plain account. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { NO_HEADERS } from "../../src/core/envelope.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { creditOf, type LinkFrame, messagesOf, readPacket } from "../../src/wire/link/frames.ts";
import { type CreditWindow, PacketWriter } from "../../src/wire/link/packet-writer.ts";
import { Receipts } from "../../src/wire/link/receipts.ts";
import type { BatchedForm } from "../../src/worker/batched-form.ts";
import { OutgoingQueue } from "../../src/worker/outgoing-queue.ts";

type Counted = Exclude<LinkFrame, { kind: "control" }>;

/** One connection as the host has it. */
class Connection {
  readonly window: CreditWindow;
  readonly packets: Uint8Array[] = [];
  readonly writer: PacketWriter;
  readonly receipts: Receipts;
  /** What was written and not credited, by the test's own count. */
  readonly underWay = { bytes: 0, messages: 0 };
  arrived: Counted[] = [];
  credits: CreditWindow[] = [];
  credited: CreditWindow = { bytes: 0, messages: 0 };
  onAccepted: (accepted: number, received: number) => void = () => undefined;

  constructor(outgoing: OutgoingQueue, window: CreditWindow, accepted: number) {
    let onDrain: () => void = () => undefined;
    this.window = window;
    const stream = { write: (packet: Uint8Array) => this.packets.push(packet) > 0, on: () => 0 };
    this.writer = new PacketWriter(stream, window, () => onDrain());
    this.receipts = new Receipts(window, (bytes, messages) =>
      this.credits.push({ bytes, messages }),
    );
    outgoing.attach({
      write: (bytes) => this.#send(bytes, 1),
      onDrain: (listener) => {
        onDrain = listener;
      },
      batches: {
        accepted,
        encoding: undefined,
        window,
        write: (frame, _route, messages) => this.#send(frame, messages),
        forget: () => undefined,
        onAccepted: (listener) => {
          this.onAccepted = listener;
        },
        onDurable: () => undefined,
      },
    });
  }

  get hasRoom(): boolean {
    const { bytes, messages } = this.underWay;
    return bytes < this.window.bytes && messages < this.window.messages;
  }

  take(frames: number): Counted[] {
    this.writer.flush();
    for (const packet of this.packets.splice(0)) {
      this.arrived.push(...readPacket(packet).filter((frame) => frame.kind !== "control"));
    }
    const taken = this.arrived.splice(0, frames);
    for (const frame of taken) {
      this.receipts.take(creditOf(frame), messagesOf(frame));
    }
    return taken;
  }

  credit(): void {
    const credit = this.credits.shift();
    if (credit !== undefined) {
      this.underWay.bytes -= credit.bytes - this.credited.bytes;
      this.underWay.messages -= credit.messages - this.credited.messages;
      this.credited = credit;
      this.writer.taken(credit.bytes, credit.messages);
    }
  }

  close(): void {
    this.receipts.close();
    this.writer.close();
  }

  /** Only the last frame may go over the window. */
  #send(unit: Uint8Array, messages: number): boolean {
    expect(this.hasRoom).toBe(true);
    this.underWay.bytes += unit.byteLength;
    this.underWay.messages += messages;
    return this.writer.send(unit, messages);
  }
}

const windows = fc.record({
  bytes: fc.integer({ min: 1, max: 2_000 }),
  messages: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(Number.POSITIVE_INFINITY)),
});

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      publish: fc.integer({ min: 1, max: 30 }),
      bytes: fc.integer({ min: 0, max: 60 }),
      source: fc.constantFrom("1", "2"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.constant("tell" as const) },
  { weight: 4, arbitrary: fc.constant("credit" as const) },
  { weight: 1, arbitrary: fc.record({ reconnect: windows, isTold: fc.boolean() }) },
);

const routes = new Map(
  ["1", "2"].map((source) => [
    source,
    {
      ...{ topic: new TopicId("t", source), sender: undefined, headers: NO_HEADERS },
      ...{ dataType: "D", contentType: "c" },
    },
  ]),
);

function record(source: string, data: Uint8Array): BatchedForm {
  const route = routes.get(source);
  if (route === undefined) {
    throw new Error(source);
  }
  return { kind: "record", route, data, extras: undefined };
}

test("property - credit from a worker to a host: never more than the window, never stuck, each record once", async () => {
  await fc.assert(
    fc.asyncProperty(windows, fc.array(step, { maxLength: 60 }), async (window, steps) => {
      const outgoing = new OutgoingQueue({
        limits: { maxMessages: 1_000_000, maxBytes: 1_000_000_000 },
        ...{ maxMessageBytes: 1_000_000, producer: "p", onWritten: () => undefined },
      });
      /** The last record that the host has. */
      let accepted = 0;
      let published = 0;
      const take = (frames: number): void => {
        for (const frame of connection.take(frames)) {
          if (frame.kind !== "batch") {
            throw new Error("not a batch");
          }
          if (frame.sequence > accepted) {
            expect(frame.sequence).toBe(accepted + 1);
            accepted += frame.count;
          }
        }
      };
      let connection = new Connection(outgoing, window, accepted);
      try {
        for (const next of steps) {
          if (next === "tell") {
            connection.receipts.tell();
          } else if (next === "credit") {
            connection.credit();
          } else if ("take" in next) {
            take(next.take);
          } else if ("reconnect" in next) {
            outgoing.detach();
            if (next.isTold) {
              connection.onAccepted(accepted, accepted);
            }
            connection.close();
            connection = new Connection(outgoing, next.reconnect, accepted);
          } else {
            for (let count = 0; count < next.publish; count += 1) {
              expect(outgoing.publish(record(next.source, new Uint8Array(next.bytes)))).toBe(
                undefined,
              );
            }
            published += next.publish;
            // A batch ends with the event loop's turn.
            await new Promise(setImmediate);
          }
          if (connection.hasRoom) {
            expect(outgoing.length).toBe(0);
          }
        }
        for (let turns = 0; accepted < published; turns += 1) {
          expect(turns).toBeLessThan(10_000);
          take(1);
          connection.receipts.tell();
          connection.credit();
        }
        expect(outgoing.length).toBe(0);
      } finally {
        connection.close();
      }
    }),
    { numRuns: 200 },
  );
});
