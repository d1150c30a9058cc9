import type { AgentrtError } from "./errors.ts";
import type { Subscription } from "./subscription.ts";
import type { TypePolicy } from "./type-policy.ts";

/** One thing that a host shall know of a worker. */
export type Registration =
  | { readonly kind: "type"; readonly agentType: string; readonly policy?: TypePolicy | undefined }
  | { readonly kind: "subscription"; readonly subscription: Subscription };

/**
 * What became of a registration that went with a hello.
 * - `untried`: the host has done nothing, and may be asked for it in another way.
 */
export type RegistrationResult =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly error: AgentrtError }
  | { readonly kind: "untried" };
