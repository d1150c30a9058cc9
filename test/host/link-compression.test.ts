import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import type { HostOptions } from "../../src/host/options.ts";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { decodeMessage } from "../../src/wire/autogen/codec.ts";
import { OpenBatch } from "../../src/wire/link/batch-frame.ts";
import {
  compress,
  type Encoding,
  inflate,
  numberOfEncoding,
} from "../../src/wire/link/compression.ts";
import type { BatchFrame } from "../../src/wire/link/frames.ts";
import { waitFor } from "../kit/wait.ts";
import { RawWorker } from "./raw-link-worker.ts";

async function startHost(options: Partial<HostOptions> = {}): Promise<GrpcWorkerAgentRuntimeHost> {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0", ...options });
  await host.start();
  return host;
}

const TEXTS = ["x".repeat(2_000), "y".repeat(1_000)] as const;

function recordsOf(texts: readonly string[]): Uint8Array {
  const batch = new OpenBatch();
  for (const text of texts) {
    batch.append(Buffer.from(text), undefined);
  }
  return batch.records;
}

/** Publishes TEXTS, compressed. */
function publish(worker: RawWorker, encoding: Encoding, sequence = 1): Uint8Array {
  const plain = recordsOf(TEXTS);
  const head = { encoding: numberOfEncoding(encoding), inflatedBytes: plain.byteLength };
  return worker.publishPacked(sequence, TEXTS.length, head, compress(encoding, plain));
}

async function greeted(
  host: GrpcWorkerAgentRuntimeHost,
  name: string,
  capabilities: readonly string[],
  topicType?: string,
): Promise<RawWorker> {
  const worker = new RawWorker(host.address, name);
  const agentType = `agent.${name}`;
  const subscription = { topicType: topicType ?? "", agentType };
  await worker.register(
    topicType === undefined
      ? []
      : [
          { registration: { case: "agentType", value: { type: agentType } } },
          {
            registration: {
              case: "subscription",
              value: {
                id: name,
                subscription: { case: "typeSubscription", value: subscription },
              } as never,
            },
          },
        ],
    undefined,
    capabilities,
  );
  return worker;
}

const batchesOf = (worker: RawWorker): BatchFrame[] =>
  worker.frames.filter((frame) => frame.kind === "batch");
const textsOf = ({ records, encoding, inflatedBytes, count }: BatchFrame): readonly string[] => {
  const plain = encoding === 0 ? records : inflate(encoding, records, inflatedBytes);
  expect(Buffer.from(plain).equals(recordsOf(TEXTS))).toBe(true);
  return TEXTS.slice(0, count);
};

describe("compressed batches at the host", () => {
  test("the welcome names the encodings that the host takes", async () => {
    await using host = await startHost();
    using a = await greeted(host, "a", []);
    expect(a.controls("welcome")).toMatchObject([
      { capabilities: expect.arrayContaining(["gzip", "zstd"]) },
    ]);
  });

  test("goes untouched to who reads it, and inflated to who does not", async () => {
    await using host = await startHost();
    using a = await greeted(host, "a", []);
    using both = await greeted(host, "both", ["zstd", "gzip"], "t");
    using gzip = await greeted(host, "gzip", ["gzip"], "t");
    using none = await greeted(host, "none", [], "t");
    const old = new AgentRpcClient(host.address, "old", { maxMessageBytes: 1e6 });
    const channel = old.openChannel();
    const got: ReturnType<typeof decodeMessage>[] = [];
    channel.on("data", (bytes: Uint8Array) => got.push(decodeMessage(bytes)));
    channel.on("error", () => undefined);
    await old.registerAgent("reader", 5_000);
    await old.addSubscription(new TypeSubscription("t", "reader"), 5_000);
    a.agree(1, "t");
    const sent = [publish(a, "zstd"), publish(a, "gzip", 3)];
    await waitFor(
      () => got.length === 4 && [both, gzip, none].every((one) => batchesOf(one).length === 2),
      { what: "everything" },
    );
    for (const [worker, encodings] of [
      [both, [2, 1]],
      [gzip, [0, 1]],
      [none, [0, 0]],
    ] as const) {
      const batches = batchesOf(worker);
      expect(batches.map(({ encoding }) => encoding)).toEqual([...encodings]);
      expect(batches.map(({ sequence }) => sequence)).toEqual([1, 3]);
      for (const batch of batches) {
        expect(textsOf(batch)).toEqual(TEXTS);
        expect(crc32(batch.records)).toBe(batch.checksum);
      }
    }
    const [first, second] = batchesOf(both) as [BatchFrame, BatchFrame];
    // All but the route's number, which is the host's.
    for (const [came, went] of [
      [first, sent[0]],
      [second, sent[1]],
    ] as const) {
      const bytes = Buffer.from(went ?? []);
      bytes.set(came.bytes.subarray(came.routeAt, came.routeAt + 4), came.routeAt);
      expect(Buffer.from(came.bytes).equals(bytes)).toBe(true);
    }
    expect(got.map(({ id, payload }) => [id, Buffer.from(payload.data).toString()])).toEqual([
      ["a.1/1", TEXTS[0]],
      ["a.1/2", TEXTS[1]],
      ["a.1/3", TEXTS[0]],
      ["a.1/4", TEXTS[1]],
    ]);
    old.close();
  });

  test("goes on to some agent types of a worker, compressed as it came", async () => {
    await using host = await startHost();
    using a = await greeted(host, "a", []);
    using first = new RawWorker(host.address, "first");
    await first.greet();
    await first.rpc.registerAgent("spare", 5_000, { policy: "standby" });
    await first.rpc.addSubscription(new TypeSubscription("t", "spare"), 5_000);
    using b = await greeted(host, "b", ["zstd"], "t");
    await b.rpc.registerAgent("spare", 5_000, { policy: "standby" });
    await b.rpc.addSubscription(new TypeSubscription("t", "spare"), 5_000);
    a.agree(1, "t");
    publish(a, "zstd");
    await waitFor(() => batchesOf(b).length === 1, { what: "the batch" });
    expect(b.controls("route")).toMatchObject([{ receivers: ["agent.b"] }]);
    const [batch] = batchesOf(b) as [BatchFrame];
    expect(batch.encoding).toBe(2);
    expect(textsOf(batch)).toEqual(TEXTS);
  });

  test("is taken apart for a retained value", async () => {
    await using host = await startHost();
    using a = await greeted(host, "a", []);
    using b = await greeted(host, "b", ["zstd"], "t");
    a.agree(1, "t", { retain: "true" });
    publish(a, "zstd");
    await waitFor(() => b.messages().length === 2, { what: "both events" });
    using late = await greeted(host, "late", [], "t");
    await waitFor(() => late.messages().length === 1, { what: "the last value" });
    expect(late.messages().map(({ payload }) => Buffer.from(payload.data).toString())).toEqual([
      TEXTS[1],
    ]);
  });

  test("no more is under way than the window, of bytes without compression", async () => {
    await using host = await startHost({ linkWindowBytes: 1_024 });
    using a = await greeted(host, "a", []);
    using b = await greeted(host, "b", ["zstd"], "t");
    a.agree(1, "t");
    const size = publish(a, "zstd").byteLength;
    await waitFor(() => batchesOf(b).length === 1, { what: "the batch" });
    const told = (): bigint =>
      (a.controls("credit") as { takenBytes: bigint }[]).at(-1)?.takenBytes ?? 0n;
    await waitFor(() => told() > 0n, { what: "credit" });
    const [{ records }] = batchesOf(b) as [BatchFrame];
    expect(told()).toBe(BigInt(size + recordsOf(TEXTS).byteLength - records.byteLength));
    // The worker's window is 1,000,000, so some of these wait at the host although they are small.
    const one = recordsOf(TEXTS).byteLength;
    for (let index = 1; index < 700; index += 1) {
      publish(a, "zstd", 1 + index * 2);
    }
    await waitFor(() => host.report().totals.eventsIn === 1_400, { what: "all at the host" });
    const [, reader] = host.report().workers;
    expect(reader?.queuedMessages).toBeGreaterThan((700 - 1_000_000 / one - 2) * 2);
    expect(reader?.queuedMessages).toBeLessThan(1_400);
  });

  test("what cannot be inflated is refused with a code, counted, and stops nothing else", async () => {
    await using host = await startHost({ maxMessageBytes: 4_096 });
    using a = await greeted(host, "a", []);
    using b = await greeted(host, "b", [], "t");
    a.agree(1, "t");
    const plain = recordsOf(TEXTS);
    const noise = new Uint8Array(300).fill(7);
    a.publishPacked(1, 2, { encoding: 2, inflatedBytes: plain.byteLength }, noise);
    a.publishPacked(3, 2, { encoding: 2, inflatedBytes: 10 }, compress("zstd", plain));
    a.publishPacked(5, 2, { encoding: 3, inflatedBytes: plain.byteLength }, noise);
    a.publishPacked(7, 2, { encoding: 1, inflatedBytes: 4_097 }, compress("gzip", plain));
    a.publishPacked(
      9,
      2,
      { encoding: 2, inflatedBytes: plain.byteLength },
      compress("zstd", plain),
    );
    await waitFor(() => batchesOf(b).length === 1, { what: "the good one" });
    expect(batchesOf(b).map(({ sequence }) => sequence)).toEqual([9]);
    await waitFor(() => a.controls("refused").length === 2, { what: "the refusals" });
    expect(a.controls("refused")).toMatchObject([
      { sequence: 5n, count: 2, code: "BAD_FRAME" },
      {
        ...{ sequence: 7n, count: 2, code: "TOO_LARGE" },
        message:
          "The records of a compressed batch are 4097 bytes, and 4096 are the limit (max-message-size). Send smaller batches, or raise the limit.",
      },
    ]);
    const { totals, errors, deadLetters, workers } = host.report();
    expect(totals.badFrames).toBe(4);
    expect(errors.map(({ code }) => code)).toEqual([
      "TOO_LARGE",
      "BAD_FRAME",
      "BAD_FRAME",
      "BAD_FRAME",
    ]);
    // Those that nobody could see before they were inflated for one who does not read them.
    expect(deadLetters.byReason).toEqual({ BAD_FRAME: 4 });
    expect(workers.length).toBe(2);
    const last = (): bigint =>
      (a.controls("credit") as { accepted: bigint }[]).at(-1)?.accepted ?? 0n;
    await waitFor(() => last() === 10n, { what: "credit for all" });
  });

  test("records that are none, kept for a worker that comes back in AutoGen's dialect, are counted as shed", async () => {
    await using host = await startHost({ sessionGraceMs: 60_000, drainTimeoutMs: 0 });
    using a = await greeted(host, "a", []);
    a.agree(1, "t");
    {
      using b = await greeted(host, "b", ["zstd"], "t");
      a.publishPacked(1, 2, { encoding: 2, inflatedBytes: 50 }, new Uint8Array(20).fill(1));
      await waitFor(() => batchesOf(b).length === 1, { what: "the batch" });
    }
    await waitFor(() => host.report().totals.workersLeft === 1, { what: "the loss" });
    const back = new AgentRpcClient(host.address, "b", { maxMessageBytes: 1e6 });
    const channel = back.openChannel();
    const got: ReturnType<typeof decodeMessage>[] = [];
    channel.on("data", (bytes: Uint8Array) => got.push(decodeMessage(bytes)));
    channel.on("error", () => undefined);
    publish(a, "zstd", 3);
    await waitFor(() => got.length === 2, { what: "the good ones" });
    const [, worker] = host.report().workers;
    expect([worker?.clientId, worker?.dialect, worker?.shed]).toEqual(["b", "autogen", 2]);
    back.close();
  });

  test("records that have to be read at the host, and are none, are refused to their publisher", async () => {
    await using host = await startHost();
    using a = await greeted(host, "a", []);
    a.agree(1, "t", { retain: "true" });
    a.publishPacked(1, 2, { encoding: 2, inflatedBytes: 50 }, new Uint8Array(20).fill(1));
    await waitFor(() => a.controls("refused").length === 1, { what: "the refusal" });
    expect(a.controls("refused")).toMatchObject([{ sequence: 1n, count: 2, code: "BAD_FRAME" }]);
    expect(host.report().totals.badFrames).toBe(1);
  });

  test("of a durable topic it is stored inflated, or refused", async () => {
    const folder = await mkdtemp(join(tmpdir(), "agentrt-compressed-"));
    const messageLog = await openMessageLog(folder);
    const host = await startHost({ messageLog, durable: ["t"] });
    {
      using a = await greeted(host, "a", []);
      a.agree(1, "t");
      a.publishPacked(1, 2, { encoding: 2, inflatedBytes: 50 }, new Uint8Array(20).fill(1));
      publish(a, "zstd", 3);
      await waitFor(() => host.report().durable?.appended === 2, { what: "two records stored" });
      expect(a.controls("refused")).toMatchObject([{ sequence: 1n, count: 2, code: "BAD_FRAME" }]);
      expect(host.report().totals.badFrames).toBe(1);
      const { batches } = await messageLog.read({
        ...{ from: 1, maxBatches: 10, maxBytes: 1e6 },
        patterns: [{ kind: "type", text: "t" }],
      });
      const plain = recordsOf(TEXTS);
      expect(batches).toMatchObject([
        { sequence: 3, count: 2, encoding: 0, checksum: crc32(plain) },
      ]);
      expect(Buffer.from(batches[0]?.records ?? []).equals(plain)).toBe(true);
      expect(await messageLog.check()).toMatchObject({ isSound: true });
    }
    await host.stop({ drainTimeoutMs: 0 });
    await messageLog.close();
    await rm(folder, { recursive: true });
  });
});
