import { randomBytes } from "node:crypto";
import { defineBytes, defineMessage } from "../../core/message-type.ts";

/** What is published and called with: a number, then bytes. */
export const Payload = defineBytes("agentrt.bench.Payload");

/** What a receiver has got of one stretch; counts of messages. */
export interface Arrivals {
  /** Numbers 0, 1, 2, … without a gap come in this order or something is wrong. */
  readonly received: number;
  readonly duplicates: number;
  /** When the newest one came, in milliseconds since 1970. */
  readonly lastAt: number;
}

/** Asks the receiver what has come; with `isNew` it counts from 0 from then on. */
export const AskArrivals = defineMessage("agentrt.bench.AskArrivals", (value) => {
  const { isNew } = Object(value) as { isNew?: unknown };
  return { isNew: isNew === true };
});

export const Arrived = defineMessage("agentrt.bench.Arrivals", (value): Arrivals => {
  const { received, duplicates, lastAt } = Object(value) as Record<keyof Arrivals, unknown>;
  return { received: Number(received), duplicates: Number(duplicates), lastAt: Number(lastAt) };
});

/** Topic type and agent type of one run, so that two runs on one host do not meet. */
export function nameOfRun(id: string): string {
  return `agentrt_bench_${id}`;
}

export const KEY = "default";

/** Makes the payload of each message anew, as a program would. */
export function payloadMaker(bytes: number): (sequence: number) => Uint8Array {
  // Random, so that compression gains nothing.
  const template = randomBytes(bytes);
  return (sequence) => {
    const payload = new Uint8Array(template);
    new DataView(payload.buffer).setUint32(0, sequence);
    return payload;
  };
}

export function sequenceIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

/** The same clock in all processes of a machine, in milliseconds. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
