import { isLoopbackHost } from "../security/listen-rule.ts";
import type { Capability } from "../wire/capabilities.ts";
import { ENCODINGS, type Encoding } from "../wire/link/compression.ts";

/**
 * Whether a worker compresses the batches that it publishes, where that makes them smaller.
 * - `auto`: with the best that both sides know, unless the host is on this machine.
 * - `zstd`, `gzip`: with this one, where the host knows it.
 * - `off`: never.
 */
export const COMPRESSIONS = ["auto", "off", "zstd", "gzip"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The best first. */
const BY_WORTH: readonly Encoding[] = ["zstd", "gzip"];

/** What to compress batches with for this host; undefined for nothing. */
export function encodingFor(
  compression: Compression,
  hostAddress: string,
  can: (capability: Capability) => boolean,
): Encoding | undefined {
  const usable = BY_WORTH.filter((encoding) => ENCODINGS.includes(encoding) && can(encoding));
  switch (compression) {
    case "off":
      return undefined;
    case "auto": {
      const host = hostAddress.slice(0, hostAddress.lastIndexOf(":"));
      return isLoopbackHost(host) ? undefined : usable[0];
    }
    case "zstd":
    case "gzip":
      return usable.find((encoding) => encoding === compression);
    default:
      throw compression satisfies never;
  }
}
