// As a whole, because Node.js 20 does not export all of these names.
import * as zlib from "node:zlib";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { Encoding as WireEncoding } from "../gen/agentrt/v1/link_pb.ts";

/** How the records of a batch may be compressed; also the capability of reading them. */
export type Encoding = "gzip" | "zstd";

const NUMBERS: Readonly<Record<Encoding, number>> = {
  gzip: WireEncoding.GZIP,
  zstd: WireEncoding.ZSTD,
};

/** Those that this process can read and write. */
export const ENCODINGS: readonly Encoding[] =
  typeof zlib.zstdCompressSync === "function" ? ["gzip", "zstd"] : ["gzip"];

/** The fastest level of both: a batch has a few KiB, and higher ones save little more of it. */
const GZIP = { level: 1 } as const;
const ZSTD = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } } as const;

/** The number of an encoding in a batch's frame. */
export function numberOfEncoding(encoding: Encoding): number {
  return NUMBERS[encoding];
}

function encodingOf(number: number): Encoding | undefined {
  return ENCODINGS.find((encoding) => NUMBERS[encoding] === number);
}

export function compress(encoding: Encoding, records: Uint8Array): Uint8Array {
  return encoding === "zstd" ? zlib.zstdCompressSync(records, ZSTD) : zlib.gzipSync(records, GZIP);
}

/**
 * The records of a batch, of which its frame says how many bytes they are. Never makes more than that.
 * @throws AgentrtError `BAD_FRAME`
 */
export function inflate(encoding: number, records: Uint8Array, inflatedBytes: number): Uint8Array {
  const name = assertReadable(encoding);
  let plain: Uint8Array;
  try {
    const limit = { maxOutputLength: inflatedBytes };
    plain =
      name === "zstd" ? zlib.zstdDecompressSync(records, limit) : zlib.gunzipSync(records, limit);
  } catch (error) {
    const reason = `they are not ${inflatedBytes} bytes in ${name}: ${messageOf(error)}`;
    throw badRecords(reason, error);
  }
  if (plain.byteLength !== inflatedBytes) {
    throw badRecords(`they are ${plain.byteLength} bytes and not ${inflatedBytes} as it says`);
  }
  return plain;
}

/** @throws AgentrtError `BAD_FRAME` for an encoding that this process cannot read */
export function assertReadable(encoding: number): Encoding {
  const name = encodingOf(encoding);
  if (name === undefined) {
    throw badRecords(`their encoding ${encoding} is none of ${ENCODINGS.join(", ")}`);
  }
  return name;
}

/** @throws AgentrtError `TOO_LARGE` when the records are larger than a message may be */
export function assertInflatedFits(inflatedBytes: number, maxMessageBytes: number): void {
  if (inflatedBytes > maxMessageBytes) {
    throw new AgentrtError(
      "TOO_LARGE",
      `The records of a compressed batch are ${inflatedBytes} bytes, and ${maxMessageBytes} are the limit (max-message-size). Send smaller batches, or raise the limit.`,
      { data: { limit: maxMessageBytes } },
    );
  }
}

function badRecords(reason: string, cause?: unknown): AgentrtError {
  return new AgentrtError(
    "BAD_FRAME",
    `The records of a compressed batch cannot be read: ${reason}. Check the peer that compresses them.`,
    { cause },
  );
}
