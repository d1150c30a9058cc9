/**
 * How many workers may hold one agent type, and who of them gets its messages.
 *
 * - `exclusive`: one worker; a second one is refused, as by AutoGen's Python host.
 * - `shared`: many; each instance (type and key) lives on exactly one of them.
 * - `standby`: many; the first gets everything, the others wait until it is gone.
 * - `broadcast`: many; each gets every event, calls go to any one.
 */
export const TYPE_POLICIES = ["exclusive", "shared", "standby", "broadcast"] as const;
export type TypePolicy = (typeof TYPE_POLICIES)[number];

export function isTypePolicy(text: string): text is TypePolicy {
  return (TYPE_POLICIES as readonly string[]).includes(text);
}

/** What a worker says of an agent type when it registers it. */
export interface TypePolicyOptions {
  /** Default: what the host's settings say of the type, else `exclusive`. */
  readonly policy?: TypePolicy | undefined;
}
