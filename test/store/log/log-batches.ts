import { crc32 } from "node:zlib";
import type { LogBatch } from "../../../src/store/log/message-log.ts";

export const ROUTE = new TextEncoder().encode("a route");

/** A batch of `count` records whose bytes tell who numbered them. */
export function batchOf(
  producer: string,
  sequence: number,
  options: Partial<LogBatch> & { readonly bytes?: number } = {},
): LogBatch {
  const { bytes = 64, ...rest } = options;
  const text = `${producer}/${sequence}`;
  const records = new TextEncoder().encode(text.padEnd(bytes, "."));
  return {
    topicType: "temperature",
    topicSource: "kitchen",
    route: ROUTE,
    count: 1,
    encoding: 1,
    producer,
    sequence,
    publishedAtMs: 1_000,
    expiresAtMs: undefined,
    deliverAtMs: undefined,
    records,
    checksum: crc32(rest.records ?? records),
    ...rest,
  };
}

export function textOf({ records }: LogBatch): string {
  return new TextDecoder().decode(records).replace(/\.+$/, "");
}

export const ALL = [{ kind: "prefix", text: "" }] as const;

export function everything(from = 1): {
  patterns: typeof ALL;
  from: number;
  maxBatches: number;
  maxBytes: number;
} {
  return { patterns: ALL, from, maxBatches: 100_000, maxBytes: 1_000_000_000 };
}
