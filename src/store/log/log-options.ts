import { AgentrtError } from "../../core/errors.ts";

export interface MessageLogOptions {
  /**
   * Newest batches of each producer that are recognised when they come again. Bounds the memory of what was stored;
   * a publisher has far fewer unacknowledged.
   */
  readonly dedupBatchesPerProducer: number;
  /** A producer that was silent for so long is forgotten, in milliseconds. */
  readonly dedupProducerAgeMs: number;
  /** Bytes that wait for the disk; more are refused, so that a dead disk does not fill the memory. */
  readonly maxQueuedBytes: number;
  /** Size beyond which the file must not grow, in bytes; undefined: the disk decides. */
  readonly maxFileBytes: number | undefined;
  /** Dead records that are kept; the oldest go first. */
  readonly deadMaxRecords: number;
  /** Bytes of the batches that they are in, and of their errors; the oldest go first, but never the newest. */
  readonly deadMaxBytes: number;
  /** How long a dead record is kept, in milliseconds; undefined: for ever. */
  readonly deadMaxAgeMs: number | undefined;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

const MIB = 1_048_576;
const DAY_MS = 86_400_000;

/** @throws AgentrtError `INVALID_OPTION` */
export function messageLogOptions(options: Partial<MessageLogOptions> = {}): MessageLogOptions {
  return Object.freeze({
    dedupBatchesPerProducer: whole(options, "dedupBatchesPerProducer", 10_000, 1),
    dedupProducerAgeMs: whole(options, "dedupProducerAgeMs", 7 * DAY_MS, 1_000),
    maxQueuedBytes: whole(options, "maxQueuedBytes", 256 * MIB, 1),
    maxFileBytes:
      options.maxFileBytes === undefined ? undefined : whole(options, "maxFileBytes", 0, MIB / 16),
    deadMaxRecords: whole(options, "deadMaxRecords", 100_000, 1),
    deadMaxBytes: whole(options, "deadMaxBytes", 256 * MIB, 1),
    deadMaxAgeMs:
      options.deadMaxAgeMs === undefined ? undefined : whole(options, "deadMaxAgeMs", 0, 1),
    now: options.now ?? Date.now,
  });
}

type Whole = Exclude<keyof MessageLogOptions, "now">;

function whole(
  options: Partial<MessageLogOptions>,
  name: Whole,
  fallback: number,
  least: number,
): number {
  const value = options[name] ?? fallback;
  if (!Number.isSafeInteger(value) || value < least) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${name} is ${value}. Give a whole number, ${least} or more.`,
      { data: { option: name } },
    );
  }
  return value;
}
