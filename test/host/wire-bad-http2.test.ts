/** What is not the protocol gets the right status or a closed connection, is counted, and harms nobody. */
import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import {
  GET_SUBSCRIPTIONS,
  grpcHeaders,
  grpcMessage,
  http2Frame,
  http2Request,
  MAX_MESSAGE_BYTES,
  OPEN_CHANNEL,
  PREFACE,
  RawConnection,
  SETTINGS,
  useWitnessedHost,
} from "./bad-input.ts";

const { host, total, grown, expectAllWell } = useWitnessedHost();

describe("bad input - HTTP/2 that is not gRPC", () => {
  test("bad input - another content-type is answered by HTTP status 415", async () => {
    const headers = { ...grpcHeaders(GET_SUBSCRIPTIONS), "content-type": "text/html" };
    expect((await http2Request(host().address, headers)).headers[":status"]).toBe(415);
    await expectAllWell();
  });

  test.each([
    "/agents.AgentRpc/NoSuchMethod",
    "/no.such.Service/OpenChannel",
    "/",
    `/agents.AgentRpc/${"x".repeat(5_000)}`,
  ])("bad input - an unknown method is UNIMPLEMENTED and counted (%#)", async (path) => {
    const before = total("rpcsFailed");
    const { headers } = await http2Request(
      host().address,
      grpcHeaders(path),
      grpcMessage(Buffer.alloc(0)),
    );
    expect(headers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
    await grown("rpcsFailed", before);
    await expectAllWell();
  });

  test("bad input - 100,000 headers do not get through, and the host stays", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, number) => [`x-header-${number}`, "value"]),
    );
    const { headers } = await http2Request(host().address, grpcHeaders(GET_SUBSCRIPTIONS, many));
    expect(headers["grpc-status"]).not.toBe(String(status.OK));
    await expectAllWell();
  });

  test("bad input - a header of a megabyte does not get through, and the host stays", async () => {
    const huge = { "x-huge": "x".repeat(1_000_000) };
    const { headers } = await http2Request(host().address, grpcHeaders(GET_SUBSCRIPTIONS, huge));
    expect(headers["grpc-status"]).not.toBe(String(status.OK));
    await expectAllWell();
  });

  test("bad input - header blocks without end are cut off", async () => {
    using connection = new RawConnection(host().address);
    connection.socket.write(
      Buffer.concat([PREFACE, SETTINGS, http2Frame(1, 0, 1, Buffer.alloc(0))]),
    );
    // A literal header without indexing, again and again, in CONTINUATION frames that never end.
    const literal = Buffer.concat([
      Buffer.of(0x00, 1),
      Buffer.from("a"),
      Buffer.of(100),
      Buffer.alloc(100, 97),
    ]);
    const more = http2Frame(9, 0, 1, Buffer.concat(Array.from({ length: 100 }, () => literal)));
    const before = process.memoryUsage.rss();
    for (let number = 0; number < 5_000 && !connection.socket.destroyed; number += 1) {
      if (!connection.socket.write(more)) {
        await Promise.race([
          new Promise((resolve) => connection.socket.once("drain", resolve)),
          connection.closed,
        ]);
      }
    }
    await connection.closed;
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    await expectAllWell();
  });

  test.each([
    ["a length that promises more than comes", grpcMessage(Buffer.from("abc"), 100)],
    ["half a length", Buffer.of(0, 0, 0)],
    ["a length of four gigabytes", grpcMessage(Buffer.from("abc"), 0xffff_ffff)],
    [
      "two messages where there is one",
      Buffer.concat([grpcMessage(Buffer.alloc(0)), grpcMessage(Buffer.alloc(0))]),
    ],
  ])("bad input - %s ends the call with an error, counted", async (_what, body) => {
    const before = total("rpcsFailed");
    const { headers } = await http2Request(host().address, grpcHeaders(GET_SUBSCRIPTIONS), body);
    expect(headers["grpc-status"]).toMatch(/^[1-9]\d*$/);
    await grown("rpcsFailed", before);
    await expectAllWell();
  });

  test("bad input - a half frame on a stream ends the worker, not the host", async () => {
    const left = total("workersLeft");
    await http2Request(
      host().address,
      grpcHeaders(OPEN_CHANNEL),
      grpcMessage(Buffer.from("abc"), 100),
    );
    await grown("workersLeft", left);
    await expectAllWell();
  });

  test("bad input - zeros that gzip made small are refused at the message limit", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.byteLength).toBeLessThan(MAX_MESSAGE_BYTES);
    const before = process.memoryUsage.rss();
    const headers = grpcHeaders(GET_SUBSCRIPTIONS, { "grpc-encoding": "gzip" });
    const answer = await http2Request(
      host().address,
      headers,
      grpcMessage(bomb, bomb.byteLength, 1),
    );
    expect(answer.headers["grpc-status"]).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    await expectAllWell();
  });

  test("bad input - bytes that are marked as gzip and are not end the call", async () => {
    const headers = grpcHeaders(GET_SUBSCRIPTIONS, { "grpc-encoding": "gzip" });
    const answer = await http2Request(
      host().address,
      headers,
      grpcMessage(Buffer.from("not gzip"), 8, 1),
    );
    expect(answer.headers["grpc-status"]).toMatch(/^[1-9]\d*$/);
    await expectAllWell();
  });

  test("bad input - an encoding that does not exist is UNIMPLEMENTED", async () => {
    const headers = grpcHeaders(GET_SUBSCRIPTIONS, { "grpc-encoding": "nonsense" });
    const answer = await http2Request(
      host().address,
      headers,
      grpcMessage(Buffer.from("abc"), 3, 1),
    );
    expect(answer.headers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
    await expectAllWell();
  });
});
