import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import { PacketWriter } from "../../../src/wire/link/packet-writer.ts";
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
    const writer = new PacketWriter(stream, 1_000_000, () => undefined);
    writer.send(unit(10));
    writer.send(unit(20));
    expect(stream.packets).toEqual([]);
    await waitFor(() => stream.packets.length === 1, { what: "the end of the turn" });
    expect(stream.packets[0]?.byteLength).toBe(30);
    writer.send(unit(40_000));
    writer.send(unit(40_000));
    expect(stream.packets.slice(1).map(({ byteLength }) => byteLength)).toEqual([40_000]);
    writer.flush();
    expect(stream.packets.slice(2).map(({ byteLength }) => byteLength)).toEqual([40_000]);
  });

  test("property - what is under way never exceeds the window by more than one frame, and credit makes room", () => {
    const step = fc.oneof(
      fc.record({ send: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ take: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = 1_000;
        let told = 0;
        const writer = new PacketWriter(new Stream(), window, () => {
          told += 1;
        });
        let sent = 0;
        let taken = 0;
        for (const next of steps) {
          if ("send" in next) {
            if (writer.hasRoom) {
              sent += next.send;
              expect(writer.send(unit(next.send))).toBe(sent - taken < window);
            }
          } else {
            const upTo = taken + Math.floor(next.take * (sent - taken));
            const before = told;
            writer.taken(upTo);
            expect(told - before).toBe(upTo > taken && sent - upTo < window ? 1 : 0);
            taken = upTo;
          }
          expect(writer.underWayBytes).toBe(sent - taken);
          expect(writer.underWayBytes).toBeLessThan(window + 500);
        }
        writer.close();
      }),
    );
  });

  test("a full stream stops it until it drains; credit for what was never sent changes nothing", () => {
    const stream = new Stream();
    let room = 0;
    const writer = new PacketWriter(stream, 1_000, () => {
      room += 1;
    });
    stream.isFull = true;
    writer.send(unit(1));
    writer.flush();
    expect(writer.hasRoom).toBe(false);
    expect(writer.taken(2)).toBe(false);
    stream.emit("drain");
    expect([writer.hasRoom, room]).toEqual([true, 1]);
  });

  test("credit is told at a quarter of the window at once, and a little later for less", async () => {
    const told: number[] = [];
    const receipts = new Receipts(1_000, (taken) => told.push(taken));
    receipts.take(250);
    expect(told).toEqual([250]);
    receipts.take(1);
    receipts.take(2);
    expect(told).toEqual([250]);
    await waitFor(() => told.length === 2, { what: "credit for a little" });
    expect(told).toEqual([250, 253]);
    receipts.tell();
    expect(told).toHaveLength(2);
    receipts.close();
  });
});
