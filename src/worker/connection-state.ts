import { AgentrtError } from "../core/errors.ts";

/**
 * The life of a worker's connection.
 * - `idle`: not started.
 * - `connecting`: dialling, for the `attempt`-th time in a row.
 * - `registering`: the host answers; agent types and subscriptions are told to it.
 * - `connected`: messages flow.
 * - `waiting`: the next attempt comes at `until` (milliseconds since 1970).
 * - `draining`: stopping; what is in flight still goes through.
 * - `stopped`: for good.
 */
export type ConnectionState =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting"; readonly attempt: number }
  | { readonly kind: "registering"; readonly attempt: number }
  | { readonly kind: "connected" }
  | {
      readonly kind: "waiting";
      readonly attempt: number;
      readonly until: number;
      readonly reason: AgentrtError;
    }
  | { readonly kind: "draining" }
  | { readonly kind: "stopped" };

const NEXT: Readonly<Record<ConnectionState["kind"], readonly ConnectionState["kind"][]>> = {
  idle: ["connecting", "stopped"],
  connecting: ["registering", "waiting", "draining", "stopped"],
  registering: ["connected", "waiting", "draining", "stopped"],
  connected: ["waiting", "draining", "stopped"],
  waiting: ["connecting", "draining", "stopped"],
  draining: ["stopped"],
  stopped: [],
};

/** @throws AgentrtError `INTERNAL` for a step that the life of a connection does not have */
export function assertTransition(from: ConnectionState, to: ConnectionState): void {
  if (!NEXT[from.kind].includes(to.kind)) {
    throw new AgentrtError("INTERNAL", `A connection cannot go from ${from.kind} to ${to.kind}.`);
  }
}
