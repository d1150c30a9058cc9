import type { Registration } from "../core/registration.ts";

/**
 * - `new`: the host has never accepted it.
 * - `held`: the host has it on the connection of now.
 * - `lost`: the host had it on an earlier connection.
 * - `contested`: another worker holds it; asked for again until that one leaves.
 */
export type EntryState = "new" | "held" | "lost" | "contested";

export interface RegistrationEntry {
  readonly registration: Registration;
  readonly accepted: PromiseWithResolvers<void>;
  state: EntryState;
  wasHeld: boolean;
  /** Taken back here, while the host cannot forget it before the connection ends. */
  isWithdrawn: boolean;
}

/** One that the host has never heard of. */
export function newEntry(registration: Registration): RegistrationEntry {
  const accepted = Promise.withResolvers<void>();
  // Whoever added it may have gone when it fails later.
  accepted.promise.catch(() => undefined);
  return { registration, accepted, state: "new", wasHeld: false, isWithdrawn: false };
}
