import { Metadata } from "@grpc/grpc-js";

/**
 * What a peer of ours can do beyond AutoGen's protocol, told as metadata when a channel is opened, in
 * both directions. A peer that tells nothing is not asked for it.
 *
 * - `cancel`: calls are given up with {@link CANCEL_HEADER}.
 * - `leave`: a worker that stops asks the host to move its shared instances first.
 * - `leave-type`: a worker takes one agent type back, and the host forgets it.
 * - `hand-in`: a worker hands in again what it has published with `retain`, with its age.
 */
export type Capability = "cancel" | "hand-in" | "leave" | "leave-type";

const CAPABILITIES: ReadonlySet<string> = new Set<Capability>([
  "cancel",
  "hand-in",
  "leave",
  "leave-type",
]);
const CAPABILITIES_HEADER = "agentrt-capabilities";

/**
 * The header of a request that asks for no work: the call with this id, on the same hop, was given up.
 * It is sent only to peers that can `cancel`, and has no answer.
 */
export const CANCEL_HEADER = "agentrt-cancel";

/** Adds what we can do to the metadata of a channel. */
export function declareCapabilities(metadata: Metadata = new Metadata()): Metadata {
  metadata.set(CAPABILITIES_HEADER, [...CAPABILITIES].join(","));
  return metadata;
}

/** What the peer has declared, of what is known here. */
export function capabilitiesIn(metadata: Metadata): ReadonlySet<Capability> {
  const names = metadata.get(CAPABILITIES_HEADER).flatMap((value) => String(value).split(","));
  const known = names.map((name) => name.trim()).filter((name) => CAPABILITIES.has(name));
  return new Set(known as Capability[]);
}
