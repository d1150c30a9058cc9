import { describe, expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { ResponseEnvelope } from "../../src/core/envelope.ts";
import { readPacket } from "../../src/wire/link/frames.ts";
import { PacketWriter } from "../../src/wire/link/packet-writer.ts";
import { LinkCalls } from "../../src/worker/link-calls.ts";
import { OutgoingRequest } from "../../src/worker/outgoing.ts";

function calls(hostRoutes: number) {
  const packets: Uint8Array[] = [];
  const stream = { write: (packet: Uint8Array) => packets.push(packet) > 0, on: () => undefined };
  const writer = new PacketWriter(stream, { bytes: 1e6, messages: 1e6 }, () => undefined);
  const link = new LinkCalls(writer);
  link.hostRoutes = hostRoutes;
  const frames = (): string[] => {
    writer.flush();
    return packets.splice(0).flatMap((packet) =>
      readPacket(packet).map((frame) => {
        if (frame.kind !== "control") {
          return "route" in frame ? `${frame.kind} ${frame.route - 0x8000_0000}` : frame.kind;
        }
        return `${frame.frame.case}`;
      }),
    );
  };
  return { link, frames };
}

let number = 0;
function call(key: string, dataType = "D"): OutgoingRequest {
  number += 1;
  const payload = { dataType, contentType: "c", data: new Uint8Array(1) };
  return new OutgoingRequest({ number, id: `x.${number}` }, new AgentId("t", key), payload, {});
}

function answer(id: string, error = ""): ResponseEnvelope {
  const payload = { dataType: "R", contentType: "c", data: new Uint8Array(1) };
  return { kind: "response", id, error, headers: {}, payload };
}

describe("calls on a link", () => {
  test("a route is agreed on once, for each agent and data type; answers have their own", () => {
    const { link, frames } = calls(64);
    for (const one of [call("a"), call("a"), call("b"), call("a"), call("a", "E"), answer("7")]) {
      expect(link.write(one)).toBe(true);
    }
    link.write(answer("8"));
    expect(frames()).toEqual([
      ...["route", "call 1", "call 1", "route", "call 2", "call 1"],
      ...["route", "call 3", "route", "answer 4", "answer 4"],
    ]);
  });

  test("of more routes than the host takes the least recently used is given up, and agreed on anew", () => {
    const { link, frames } = calls(16);
    for (const key of ["a", "b", "a", "c", "b"]) {
      link.write(call(key));
    }
    expect(frames()).toEqual([
      ...["route", "call 1", "route", "call 2", "call 1"],
      ...["routesGone", "route", "call 3", "routesGone", "route", "call 4"],
    ]);
  });

  test("what has no form of its own is left to AutoGen's: errors, ids that are no numbers, too few routes", () => {
    const { link, frames } = calls(64);
    expect([link.write(answer("7", "failed")), link.write(answer("move-1"))]).toEqual([
      undefined,
      undefined,
    ]);
    expect(calls(7).link.write(call("a"))).toBeUndefined();
    expect(frames()).toEqual([]);
  });
});
