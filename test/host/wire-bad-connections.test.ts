/** What is not the protocol gets the right status or a closed connection, is counted, and harms nobody. */
import { describe, expect, test } from "bun:test";
import { status } from "@grpc/grpc-js";
import { waitFor } from "../kit/wait.ts";
import {
  GET_SUBSCRIPTIONS,
  http2Frame,
  PREFACE,
  RawConnection,
  SETTINGS,
  useWitnessedHost,
} from "./bad-input.ts";
import { RawClient, startHost, WireWorker } from "./wire-worker.ts";

const { host, total, grown, expectAllWell } = useWitnessedHost();

const TLS_CLIENT_HELLO = Buffer.from(
  `160301002f0100002b0303${"ab".repeat(32)}000004130113020100`,
  "hex",
);

describe("bad input - connections that are not HTTP/2", () => {
  test.each([
    ["an HTTP/1.1 request", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a TLS ClientHello", TLS_CLIENT_HELLO],
    ["random bytes", crypto.getRandomValues(Buffer.alloc(4_096))],
    ["zeros", Buffer.alloc(100_000)],
    ["a preface and noise", Buffer.concat([PREFACE, crypto.getRandomValues(Buffer.alloc(4_096))])],
    [
      "a frame larger than allowed",
      Buffer.concat([
        PREFACE,
        SETTINGS,
        Buffer.from("ffffff000000000001", "hex"),
        Buffer.alloc(64),
      ]),
    ],
    [
      "headers that are no HPACK",
      Buffer.concat([PREFACE, SETTINGS, http2Frame(1, 4, 1, Buffer.alloc(64, 0xff))]),
    ],
    ["a stream of id 0", Buffer.concat([PREFACE, SETTINGS, http2Frame(1, 4, 0, Buffer.of(0x82))])],
  ])("bad input - %s: the connection is closed and counted", async (_what, bytes) => {
    const before = total("connectionsBroken");
    using connection = new RawConnection(host().address);
    connection.socket.write(bytes);
    await connection.closed;
    await grown("connectionsBroken", before);
    await expectAllWell();
  });

  test("bad input - a connection that says nothing is closed after the time for it", async () => {
    const before = total("connectionsBroken");
    using connection = new RawConnection(host().address);
    await connection.closed;
    await grown("connectionsBroken", before);
    expect(host().report().errors[0]).toMatchObject({
      code: "BAD_FRAME",
      message: "A connection broke: no call within 300 ms.",
    });
    await expectAllWell();
  });

  test("bad input - a connection that speaks HTTP/2 but makes no call is closed too", async () => {
    using connection = new RawConnection(host().address);
    connection.socket.write(Buffer.concat([PREFACE, SETTINGS]));
    await connection.closed;
    await expectAllWell();
  });

  test("bad input - more connections than the limit are closed at once and counted", async () => {
    await using small = await startHost({ maxConnections: 2 });
    using _first = await WireWorker.join(small.address, "1");
    using second = await WireWorker.join(small.address, "2");
    using third = new RawClient(small.address);
    expect((await third.call(GET_SUBSCRIPTIONS)).status.code).toBe(status.UNAVAILABLE);
    expect(small.report().totals).toMatchObject({ connectionsAccepted: 2, connectionsRefused: 1 });
    second[Symbol.dispose]();
    await waitFor(
      async () => {
        using next = new RawClient(small.address);
        return (await next.call(GET_SUBSCRIPTIONS)).status.code === status.INVALID_ARGUMENT;
      },
      { what: "room for a connection" },
    );
  });
});
