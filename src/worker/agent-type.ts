import type { AgentFactory } from "../core/agent.ts";
import type { AgentPolicy } from "./agent-policy.ts";
import type { AgentSlot } from "./agent-slot.ts";
import { Circuit, type CircuitStateName } from "./circuit.ts";
import { IdleSlots } from "./idle-slots.ts";
import { isIsolated } from "./isolation/isolated-factory.ts";

/** What one agent type of a runtime does and did; the counts only grow. */
export interface AgentTypeReport {
  readonly type: string;
  /** The rules that it is under: its own options over the defaults of the runtime. */
  readonly rules: AgentPolicy;
  /** True when it runs in a thread of its own. */
  readonly isIsolated: boolean;
  /** Instances that are held now. */
  readonly instances: number;
  /** Messages that a handler finished, timers included. */
  readonly handled: number;
  /** Messages and timers that ended in an error, those of `timedOut` included. */
  readonly failed: number;
  /** Handlers that ran into their time limit. */
  readonly timedOut: number;
  /** Instances that were made anew after failures. */
  readonly restarts: number;
  /** Instances that were saved and closed because they were idle. */
  readonly putAway: number;
  /** Messages that an open circuit turned away. */
  readonly refused: number;
  /** `none` for a type without one. */
  readonly circuit: CircuitStateName | "none";
  /** How often the circuit opened. */
  readonly circuitOpened: number;
}

export interface AgentTypeParts {
  readonly name: string;
  readonly factory: AgentFactory;
  readonly policy: AgentPolicy;
  /** True when its instances were registered themselves, so that none can be made again. */
  readonly isGiven: boolean;
  readonly onIdleExpired: (slot: AgentSlot) => void;
}

/** One agent type of a runtime: its factory, its rules, what became of its messages. */
export class AgentType {
  readonly name: string;
  /** Another one takes its place when the type is replaced. */
  factory: AgentFactory;
  readonly policy: AgentPolicy;
  readonly isGiven: boolean;
  /** Undefined for a type whose instances are never put away. */
  readonly idle: IdleSlots | undefined;
  readonly counts = { handled: 0, failed: 0, timedOut: 0, restarts: 0, putAway: 0, refused: 0 };
  instances = 0;
  /** Undefined for a type without one. */
  readonly circuit: Circuit | undefined;

  constructor({ name, factory, policy, isGiven, onIdleExpired }: AgentTypeParts) {
    this.name = name;
    this.factory = factory;
    this.policy = policy;
    this.isGiven = isGiven;
    this.circuit = policy.circuit === undefined ? undefined : new Circuit(name, policy.circuit);
    this.idle =
      policy.idleTimeoutMs === undefined || isGiven
        ? undefined
        : new IdleSlots(policy.idleTimeoutMs, onIdleExpired);
  }

  report(): AgentTypeReport {
    return {
      type: this.name,
      rules: this.policy,
      isIsolated: isIsolated(this.factory),
      instances: this.instances,
      ...this.counts,
      circuit: this.circuit?.state ?? "none",
      circuitOpened: this.circuit?.opened ?? 0,
    };
  }
}
