import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import { creditWindow, PacketWriter } from "../../../src/wire/link/packet-writer.ts";
import { Receipts } from "../../../src/wire/link/receipts.ts";
import { waitFor } from "../../kit/wait.ts";

class Stream extends EventEmitter {
  readonly packets: Uint8Array[] = [];
  isFull = false;

  write(packet: Uint8Array): boolean {
    this.packets.push(packet);
    return !this.isFull;
  }
}

const unit = (bytes: number): Uint8Array => new Uint8Array(bytes);

describe("packets and credit", () => {
  test("frames of one turn share a packet, and a large one does not wait", async () => {
    const stream = new Stream();
    const writer = new PacketWriter(stream, { bytes: 1_000_000, messages: 100 }, () => undefined);
    writer.send(unit(10), 1);
    writer.send(unit(20), 1);
    expect(stream.packets).toEqual([]);
    await waitFor(() => stream.packets.length === 1, { what: "the end of the turn" });
    expect(stream.packets[0]?.byteLength).toBe(30);
    writer.send(unit(40_000), 1);
    writer.send(unit(40_000), 1);
    expect(stream.packets.slice(1).map(({ byteLength }) => byteLength)).toEqual([40_000]);
    writer.flush();
    expect(stream.packets.slice(2).map(({ byteLength }) => byteLength)).toEqual([40_000]);
  });

  test("property - what is under way never exceeds the window by more than one frame, and credit makes room", () => {
    const step = fc.oneof(
      fc.record({
        bytes: fc.integer({ min: 1, max: 500 }),
        messages: fc.integer({ min: 1, max: 50 }),
      }),
      fc.record({ take: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = { bytes: 1_000, messages: 80 };
        let told = 0;
        const writer = new PacketWriter(new Stream(), window, () => {
          told += 1;
        });
        const sent = { bytes: 0, messages: 0 };
        let taken = { bytes: 0, messages: 0 };
        const hasRoom = (): boolean =>
          sent.bytes - taken.bytes < window.bytes &&
          sent.messages - taken.messages < window.messages;
        for (const next of steps) {
          if ("bytes" in next) {
            if (writer.hasRoom) {
              sent.bytes += next.bytes;
              sent.messages += next.messages;
              expect(writer.send(unit(next.bytes), next.messages)).toBe(hasRoom());
            }
          } else {
            const upTo = {
              bytes: taken.bytes + Math.floor(next.take * (sent.bytes - taken.bytes)),
              messages: taken.messages + Math.floor(next.take * (sent.messages - taken.messages)),
            };
            const isNews = upTo.bytes > taken.bytes || upTo.messages > taken.messages;
            const before = told;
            writer.taken(upTo.bytes, upTo.messages);
            taken = upTo;
            expect(told - before).toBe(isNews && hasRoom() ? 1 : 0);
          }
          expect(writer.hasRoom).toBe(hasRoom());
          expect(writer.underWayBytes).toBeLessThan(window.bytes + 500);
          expect(writer.underWayMessages).toBeLessThan(window.messages + 50);
        }
        writer.close();
      }),
    );
  });

  test("a peer that names no number of messages is limited by bytes alone", () => {
    const window = creditWindow({ windowBytes: 10n, windowMessages: 0n });
    const writer = new PacketWriter(new Stream(), window, () => undefined);
    expect(writer.send(unit(9), 1_000_000)).toBe(true);
    expect(writer.send(unit(1), 1)).toBe(false);
    expect(writer.taken(9, 0)).toBe(true);
    expect(writer.hasRoom).toBe(true);
  });

  test("a full stream stops it until it drains; credit for what was never sent changes nothing", () => {
    const stream = new Stream();
    let room = 0;
    const writer = new PacketWriter(stream, { bytes: 1_000, messages: 100 }, () => {
      room += 1;
    });
    stream.isFull = true;
    writer.send(unit(1), 1);
    writer.flush();
    expect(writer.hasRoom).toBe(false);
    expect([writer.taken(2, 1), writer.taken(1, 2)]).toEqual([false, false]);
    stream.emit("drain");
    expect([writer.hasRoom, room]).toEqual([true, 1]);
  });

  test("credit is told at a quarter of the window at once, and a little later for less", async () => {
    const told: (readonly [number, number])[] = [];
    const receipts = new Receipts({ bytes: 1_000, messages: 100 }, (bytes, messages) =>
      told.push([bytes, messages]),
    );
    receipts.take(250, 1);
    expect(told).toEqual([[250, 1]]);
    receipts.take(10, 24);
    expect(told).toHaveLength(1);
    receipts.take(1, 1);
    expect(told.slice(1)).toEqual([[261, 26]]);
    receipts.take(2, 1);
    expect(told).toHaveLength(2);
    await waitFor(() => told.length === 3, { what: "credit for a little" });
    expect(told.slice(2)).toEqual([[263, 27]]);
    receipts.tell();
    expect(told).toHaveLength(3);
    receipts.close();
  });
});
