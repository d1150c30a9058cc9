import { Metadata } from "@grpc/grpc-js";
import { ENCODINGS, type Encoding } from "./link/compression.ts";

/**
 * What a peer of ours can do beyond AutoGen's protocol, told as metadata when a channel is opened, in
 * both directions. A peer that tells nothing is not asked for it.
 *
 * - `cancel`: calls are given up with {@link CANCEL_HEADER}.
 * - `leave`: a worker that stops asks the host to move its shared instances first.
 * - `leave-type`: a worker takes one agent type back, and the host forgets it.
 * - `hand-in`: a worker hands in again what it has published with `retain`, with its age.
 *
 * Told in the hello and the welcome of agentrt's own dialect, which name the others too:
 *
 * - `hand-over`: a worker gives and takes the state of an instance; see core/hand-over.ts.
 * - `registrations`: a host takes agent types and subscriptions in the hello.
 * - `gzip`, `zstd`: a worker reads batches that are compressed so, a host takes them.
 */
export type Capability =
  | Encoding
  | "cancel"
  | "hand-in"
  | "hand-over"
  | "leave"
  | "leave-type"
  | "registrations";

const OF_CHANNELS: readonly Capability[] = ["cancel", "hand-in", "leave", "leave-type"];
/** What our workers can do, for their hello. */
export const WORKER_CAPABILITIES: readonly Capability[] = [
  ...OF_CHANNELS,
  "hand-over",
  ...ENCODINGS,
];
/** What our host can do, for its welcome. */
export const HOST_CAPABILITIES: readonly Capability[] = [
  ...OF_CHANNELS,
  "registrations",
  ...ENCODINGS,
];
const KNOWN: ReadonlySet<string> = new Set([...WORKER_CAPABILITIES, ...HOST_CAPABILITIES]);
const CAPABILITIES_HEADER = "agentrt-capabilities";

/**
 * The header of a request that asks for no work: the call with this id, on the same hop, was given up.
 * It is sent only to peers that can `cancel`, and has no answer.
 */
export const CANCEL_HEADER = "agentrt-cancel";

/** Adds what we can do to the metadata of a channel. */
export function declareCapabilities(metadata: Metadata = new Metadata()): Metadata {
  metadata.set(CAPABILITIES_HEADER, OF_CHANNELS.join(","));
  return metadata;
}

/** What the peer has declared, of what is known here. @param named in its hello or welcome */
export function capabilitiesIn(
  metadata: Metadata,
  named: readonly string[] = [],
): ReadonlySet<Capability> {
  const told = metadata.get(CAPABILITIES_HEADER).flatMap((value) => String(value).split(","));
  const names = [...told.map((name) => name.trim()), ...named];
  return new Set(names.filter((name): name is Capability => KNOWN.has(name)));
}
