import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import {
  defineAgent,
  defineBytes,
  defineMessage,
  GrpcWorkerAgentRuntime,
  protobufMessage,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { encodeBatchFrame, OpenBatch } from "../../src/wire/link/batch-frame.ts";
import { compress } from "../../src/wire/link/compression.ts";
import { type BatchFrame, creditOf, readPacket } from "../../src/wire/link/frames.ts";
import { waitFor } from "../kit/wait.ts";
import { ReadingSchema } from "../proto/gen/agentrt/test/v1/reading_pb.ts";
import { FakeLinkHost, FIRST_WELCOME } from "./fake-link-host.ts";
import { startHost } from "./on-our-host.ts";

const Text = defineMessage("Text", v.object({ text: v.string() }));
const Noise = defineBytes("Noise");
const Reading = protobufMessage(ReadingSchema);
const topic = new TopicId("topic", "s");
const long = (number: number): object => Text.of({ text: `${number} ${"warm ".repeat(400)}` });

async function listener(hostAddress: string, heard: string[]): Promise<GrpcWorkerAgentRuntime> {
  const runtime = new GrpcWorkerAgentRuntime({ hostAddress });
  await runtime.registerFactory(
    "listener",
    defineAgent({
      description: "",
      setup(self) {
        self.handleEvent(Text, ({ text }) => {
          heard.push(text.slice(0, 5).trim());
        });
        self.handleEvent(Noise, ({ bytes }) => {
          heard.push(`noise ${bytes.byteLength}`);
        });
      },
    }),
  );
  await runtime.addSubscription(new TypeSubscription("topic", "listener"));
  await runtime.start();
  return runtime;
}

const batchesAt = (host: FakeLinkHost): BatchFrame[] =>
  host.frames.filter((frame) => frame.kind === "batch");

describe("compression at the worker", () => {
  test("batches go through the host small, and arrive whole and in order", async () => {
    await using host = await startHost();
    const heard: string[] = [];
    await using _reader = await listener(host.address, heard);
    await using writer = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      compression: "zstd",
    });
    writer.addMessageType(Text);
    writer.addMessageType(Noise);
    await writer.start();
    const before = host.report().totals;
    for (let number = 0; number < 200; number += 1) {
      await writer.publishMessage(long(number), topic);
    }
    await writer.publishMessage(Noise.of(crypto.getRandomValues(new Uint8Array(3_000))), topic);
    await waitFor(() => heard.length === 201, { what: "all" });
    expect(heard).toEqual([
      ...Array.from({ length: 200 }, (_, number) => `${number} war`.slice(0, 5).trim()),
      "noise 3000",
    ]);
    const { totals } = host.report();
    // 200 times 2,000 bytes, and 3,000 that no compression makes smaller.
    expect(totals.bytesIn - before.bytesIn).toBeWithin(3_000, 40_000);
    expect(totals.bytesOut - before.bytesOut).toBeWithin(3_000, 40_000);
    expect(totals.eventsDelivered - before.eventsDelivered).toBe(201);
  });

  test("payloads of JSON, protobuf and raw bytes arrive as they were, compressed or not", async () => {
    await using host = await startHost();
    for (const compression of ["off", "gzip", "zstd"] as const) {
      const got: unknown[] = [];
      await using reader = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
      await reader.registerFactory(
        "payloads",
        defineAgent({
          description: "",
          setup(self) {
            self.handleEvent(Text, ({ text }) => {
              got.push(text);
            });
            self.handleEvent(Reading, ({ sensor }) => {
              got.push(sensor);
            });
            self.handleEvent(Noise, ({ bytes }) => {
              got.push(Buffer.from(bytes).toString("latin1"));
            });
          },
        }),
      );
      await reader.addSubscription(new TypeSubscription("topic", "payloads"));
      await reader.start();
      await using writer = new GrpcWorkerAgentRuntime({ hostAddress: host.address, compression });
      for (const type of [Text, Reading, Noise]) {
        writer.addMessageType(type as typeof Text);
      }
      await writer.start();
      const words = "many words, ".repeat(300);
      await writer.publishMessage(Text.of({ text: words }), topic);
      await writer.publishMessage(Reading.of(create(ReadingSchema, { sensor: words })), topic);
      await writer.publishMessage(Noise.of(Buffer.from(words)), topic);
      await waitFor(() => got.length === 3, { what: "all three" });
      expect(got).toEqual([words, words, words]);
    }
  });

  test("a host that says nothing of it gets plain batches, and so does the loopback unless asked for", async () => {
    for (const [capabilities, compression, encoding] of [
      [[], "zstd", 0],
      [["gzip"], "zstd", 0],
      [["gzip", "zstd"], "auto", 0],
      [["gzip", "zstd"], "off", 0],
      [["gzip", "zstd"], "zstd", 2],
      [["gzip", "zstd"], "gzip", 1],
    ] as const) {
      await using host = await FakeLinkHost.start((_, welcome) =>
        welcome({ ...FIRST_WELCOME, capabilities: [...capabilities] }),
      );
      await using writer = new GrpcWorkerAgentRuntime({ hostAddress: host.address, compression });
      writer.addMessageType(Text);
      await writer.start();
      await writer.publishMessage(long(1), topic);
      await waitFor(() => batchesAt(host).length === 1, { what: "the batch" });
      expect(batchesAt(host).map((batch) => batch.encoding)).toEqual([encoding]);
      expect(host.hellos[0]?.capabilities).toContain("zstd");
    }
  });

  test("what a lost host had not accepted goes plain to one that reads no compression, under the same numbers", async () => {
    let hellos = 0;
    await using host = await FakeLinkHost.start((_, welcome) => {
      hellos += 1;
      welcome({ ...FIRST_WELCOME, capabilities: hellos === 1 ? ["zstd"] : [] });
    });
    await using writer = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      compression: "zstd",
    });
    writer.addMessageType(Text);
    await writer.start();
    await writer.publishMessage(long(1), topic);
    await writer.publishMessage(long(2), topic);
    await waitFor(() => batchesAt(host).length > 0, { what: "the batch" });
    host.streams[0]?.end();
    await waitFor(() => batchesAt(host).some(({ encoding }) => encoding === 0), { what: "again" });
    const [packed, plain] = batchesAt(host) as [BatchFrame, BatchFrame];
    expect([packed.encoding, plain.encoding]).toEqual([2, 0]);
    expect([plain.sequence, plain.count, plain.records.byteLength]).toEqual([
      packed.sequence,
      packed.count,
      packed.inflatedBytes,
    ]);
    expect(plain.records.byteLength).toBeGreaterThan(packed.records.byteLength);
  });

  test("a batch that cannot be read is counted and given credit for; the next one is handled", async () => {
    await using host = await FakeLinkHost.start();
    const heard: string[] = [];
    await using reader = await listener(host.address, heard);
    const agree = (number: number, cursor: string): void =>
      host.send({
        case: "route",
        value: {
          ...{
            number,
            topicType: "topic",
            topicSource: "s",
            dataType: "Text",
            producer: "p",
            cursor,
          },
          contentType: "application/json",
        },
      });
    agree(1, "");
    agree(2, "cursor.of.it");
    const open = new OpenBatch();
    open.append(Buffer.from(JSON.stringify(long(7))), undefined);
    const plain = open.records;
    const frameOf = (
      route: number,
      sequence: number,
      records: Uint8Array,
      encoding: number,
      inflatedBytes: number,
    ): Uint8Array =>
      encodeBatchFrame(
        {
          ...{ route, sequence, position: route === 2 ? 40 : 0, count: 2 - (sequence % 2) },
          checksum: crc32(records),
          ...(encoding === 0 ? {} : { packing: { encoding, inflatedBytes } }),
        },
        records,
      );
    const packed = compress("zstd", plain);
    const frames = [
      frameOf(1, 2, new Uint8Array(9), 2, plain.byteLength),
      frameOf(2, 5, compress("zstd", new Uint8Array(5_000_000)), 2, 5_000_000),
      frameOf(1, 6, new Uint8Array([200, 1, 2]), 0, 0),
      frameOf(2, 8, new Uint8Array(9), 1, plain.byteLength),
      frameOf(1, 11, packed, 2, plain.byteLength),
    ];
    for (const frame of frames) {
      host.sendBytes(frame);
    }
    await waitFor(() => heard.length === 1, { what: "the good one" });
    expect(heard).toEqual(["7 war"]);
    expect(reader.oddities.badFrames).toBe(4);
    expect(reader.isConnected).toBe(true);
    const controls = (name: string): unknown[] =>
      host.frames.flatMap((frame) =>
        frame.kind === "control" && frame.frame.case === name ? [frame.frame.value] : [],
      );
    await waitFor(() => controls("nack").length === 3, { what: "the nacks" });
    expect(controls("nack")).toMatchObject([
      { cursor: "cursor.of.it", position: 40n, error: expect.stringMatching(/^TOO_LARGE: /) },
      { cursor: "cursor.of.it", position: 40n, error: expect.stringMatching(/^BAD_FRAME: /) },
      { cursor: "cursor.of.it", position: 41n },
    ]);
    const owed = frames.flatMap(readPacket).reduce((sum, frame) => {
      return sum + creditOf(frame as BatchFrame);
    }, 0);
    await waitFor(
      () => (controls("credit") as { takenBytes: bigint }[]).at(-1)?.takenBytes === BigInt(owed),
      { what: "credit for all" },
    );
    expect(host.streams.length).toBe(1);
  });

  test("messages that the host refuses are said to be lost", async () => {
    await using host = await FakeLinkHost.start((_, welcome) =>
      welcome({ ...FIRST_WELCOME, capabilities: ["zstd"] }),
    );
    await using writer = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      compression: "zstd",
    });
    writer.addMessageType(Text);
    await writer.start();
    const logs: LogRecord[] = [];
    await configure({
      sinks: { record: (record) => logs.push(record) },
      loggers: [
        { category: ["agentrt", "worker"], sinks: ["record"], lowestLevel: "error" },
        { category: ["logtape", "meta"], lowestLevel: "error" },
      ],
    });
    await writer.publishMessage(long(1), topic);
    await waitFor(() => batchesAt(host).length === 1, { what: "the batch" });
    host.send({
      case: "refused",
      value: { sequence: 1n, count: 1, code: "TOO_LARGE", message: "no" },
    });
    await waitFor(() => logs.length === 1, { what: "the log's word" });
    await reset();
    expect(logs.map(({ message, properties }) => [message.join(""), properties])).toMatchObject([
      [
        "the host has refused messages, which are lost",
        { topic: "topic/s", count: 1, error: { code: "TOO_LARGE" } },
      ],
    ]);
  });
});
