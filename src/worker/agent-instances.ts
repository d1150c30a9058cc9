import type { Agent, AgentFactory } from "../core/agent.ts";
import { AgentId, assertAgentType } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { AgentRuntime } from "../core/runtime.ts";
import type { StateStore } from "../core/state-store.ts";
import { AgentSlot } from "./agent-slot.ts";
import { replaceType } from "./replace-type.ts";

export interface AgentInstancesOptions {
  readonly runtime: AgentRuntime;
  readonly stateStore: StateStore | undefined;
  /** Keys come from topic sources, so from peers: without a bound they could fill the memory. */
  readonly maxInstances: number;
}

/** The agent types of one runtime and the instances made of them. */
export class AgentInstances {
  readonly #options: AgentInstancesOptions;
  readonly #factories = new Map<string, AgentFactory>();
  readonly #slots = new Map<string, AgentSlot>();

  constructor(options: AgentInstancesOptions) {
    this.#options = options;
  }

  get types(): readonly string[] {
    return [...this.#factories.keys()];
  }

  get size(): number {
    return this.#slots.size;
  }

  hasType(type: string): boolean {
    return this.#factories.has(type);
  }

  /** @throws AgentrtError `INVALID_AGENT_ID`; `AGENT_TYPE_TAKEN` when this runtime has the type */
  addType(type: string, factory: AgentFactory): void {
    assertAgentType(type);
    if (this.#factories.has(type)) {
      throw new AgentrtError(
        "AGENT_TYPE_TAKEN",
        `Agent type ${type} is registered in this runtime already. Register each type once.`,
        { data: { agentType: type } },
      );
    }
    this.#factories.set(type, factory);
  }

  /** Forgets a type that could not be registered with the host. */
  removeType(type: string): void {
    this.#factories.delete(type);
    for (const [name, slot] of this.#slots) {
      if (slot.id.type === type) {
        this.#slots.delete(name);
      }
    }
  }

  /**
   * Replaces the factory of a type and all instances that the old one made; see `replaceType`.
   * @throws AgentrtError `NO_SUCH_AGENT` when this runtime does not have the type
   */
  async replaceType(type: string, after: AgentFactory, timeoutMs: number): Promise<void> {
    const before = this.#factories.get(type);
    if (before === undefined) {
      throw noSuchAgent(new AgentId(type, "default"), this.types);
    }
    await replaceType({
      before,
      after,
      timeoutMs,
      slots: () => [...this.#slots.values()].filter((slot) => slot.id.type === type),
      setFactory: (factory) => this.#factories.set(type, factory),
    });
  }

  /**
   * The slot of an instance; the instance itself is made when its slot is asked for it.
   * @throws AgentrtError `NO_SUCH_AGENT`; `TOO_MANY` when there are too many instances
   */
  slot(id: AgentId): AgentSlot {
    const name = id.toString();
    const existing = this.#slots.get(name);
    if (existing !== undefined) {
      return existing;
    }
    const factory = this.#factories.get(id.type);
    if (factory === undefined) {
      throw noSuchAgent(id, this.types);
    }
    if (this.#slots.size >= this.#options.maxInstances) {
      throw new AgentrtError(
        "TOO_MANY",
        `Agent ${id} cannot be made: this runtime holds ${this.#slots.size} instances, its limit. Raise maxInstances, or use fewer keys.`,
        { data: { limit: this.#options.maxInstances } },
      );
    }
    const { runtime, stateStore } = this.#options;
    const slot = new AgentSlot({ id, runtime, factory, stateStore });
    this.#slots.set(name, slot);
    return slot;
  }

  /** The slot of an instance if there is one. */
  find(id: AgentId): AgentSlot | undefined {
    return this.#slots.get(id.toString());
  }

  /** Gives back the place of an instance that could not be made. */
  forgetIfVacant(slot: AgentSlot): void {
    if (slot.isVacant) {
      this.#slots.delete(slot.id.toString());
    }
  }

  /** The slots whose instances exist. */
  living(): readonly AgentSlot[] {
    return [...this.#slots.values()].filter((slot) => slot.isLiving);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#slots.values()].map(async (slot) => await slot.close()));
  }
}

/** A factory for one instance that exists already; it refuses every other key of its type. */
export function factoryOfInstance(agent: Agent, id: AgentId): AgentFactory {
  return (wanted) => {
    if (!wanted.equals(id)) {
      throw new AgentrtError(
        "NO_SUCH_AGENT",
        `Agent type ${id.type} was registered as the one instance ${id}; there is no ${wanted}.`,
      );
    }
    return agent;
  };
}

export function noSuchAgent(id: AgentId, knownTypes: readonly string[]): AgentrtError {
  const known = knownTypes.length === 0 ? "none" : knownTypes.slice(0, 10).join(", ");
  return new AgentrtError(
    "NO_SUCH_AGENT",
    `No agent type ${id.type} is registered here (registered: ${known}). Register it before calling ${id}.`,
    { data: { agent: id.toString() } },
  );
}
