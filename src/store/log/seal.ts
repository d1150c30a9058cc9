import { crc32 } from "node:zlib";

/**
 * CRC-32 (ISO-HDLC), as the agentrt protocol uses it for records. The one of node:zlib is a good deal faster under
 * Bun than Bun.hash.crc32, and takes a checksum to go on from.
 */
export function checksumOf(bytes: Uint8Array, soFar = 0): number {
  return crc32(bytes, soFar);
}

/** A checksum over values of a row, so that a bit that flips in any of them is noticed. */
export function sealOf(...values: readonly (number | string | null)[]): number {
  return crc32(values.join("|"));
}
