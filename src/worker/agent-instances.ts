import { getLogger } from "@logtape/logtape";
import type { Agent, AgentFactory, JsonValue } from "../core/agent.ts";
import { AgentId, assertAgentType } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { AgentConstructor, AgentRuntime } from "../core/runtime.ts";
import type { StateStore } from "../core/state-store.ts";
import type { AgentPolicy } from "./agent-policy.ts";
import { AgentSlot } from "./agent-slot.ts";
import { AgentType, type AgentTypeReport } from "./agent-type.ts";
import { HandledRecords } from "./handled-records.ts";
import { replaceType } from "./replace-type.ts";

const logger = getLogger(["agentrt", "worker"]);

export interface AgentInstancesOptions {
  readonly runtime: AgentRuntime;
  readonly stateStore: StateStore | undefined;
  /** Keys come from topic sources, so from peers: without a bound they could fill the memory. */
  readonly maxInstances: number;
}

/** The agent types of one runtime and the instances made of them. */
export class AgentInstances {
  /** Which durable records the agents have handled. */
  readonly handled: HandledRecords;
  readonly #options: AgentInstancesOptions;
  readonly #types = new Map<string, AgentType>();
  readonly #slots = new Map<string, AgentSlot>();
  /** Instances that save and close, for the next instance of the same id to wait for. */
  readonly #leaving = new Map<string, Promise<void>>();
  #typesVersion = 0;
  #onPutAway: (slot: AgentSlot) => void = () => undefined;

  constructor(options: AgentInstancesOptions) {
    this.#options = options;
    this.handled = new HandledRecords(options.stateStore);
  }

  get types(): readonly string[] {
    return [...this.#types.keys()];
  }

  /** Another number after each change of `types`. */
  get typesVersion(): number {
    return this.#typesVersion;
  }

  get size(): number {
    return this.#slots.size;
  }

  hasType(type: string): boolean {
    return this.#types.has(type);
  }

  report(): readonly AgentTypeReport[] {
    return [...this.#types.values()].map((type) => type.report());
  }

  /** Calls `listener` with each slot that is put away, at the moment when it takes no more messages. */
  onPutAway(listener: (slot: AgentSlot) => void): void {
    this.#onPutAway = listener;
  }

  /** @throws AgentrtError `INVALID_AGENT_ID`; `AGENT_TYPE_TAKEN` when this runtime has the type */
  addType(
    name: string,
    factory: AgentFactory,
    policy: AgentPolicy,
    { isGiven = false } = {},
  ): void {
    assertAgentType(name);
    if (this.#types.has(name)) {
      throw new AgentrtError(
        "AGENT_TYPE_TAKEN",
        `Agent type ${name} is registered in this runtime already. Register each type once.`,
        { data: { agentType: name } },
      );
    }
    this.#typesVersion += 1;
    const onIdleExpired = (slot: AgentSlot): void => this.#expire(slot);
    this.#types.set(name, new AgentType({ name, factory, policy, isGiven, onIdleExpired }));
  }

  /** Forgets a type that could not be registered with the host. */
  removeType(name: string): void {
    this.#typesVersion += 1;
    this.#types.get(name)?.idle?.clear();
    this.#types.delete(name);
    for (const slot of [...this.#slots.values()]) {
      if (slot.id.type === name) {
        this.#delete(slot);
      }
    }
  }

  /** The slots of one type. */
  slotsOf(type: string): readonly AgentSlot[] {
    return [...this.#slots.values()].filter((slot) => slot.id.type === type);
  }

  /** Forgets a type; its instances save their states and close. Does not reject. */
  async retireType(name: string): Promise<void> {
    this.#types.get(name)?.idle?.clear();
    this.#types.delete(name);
    const slots = this.slotsOf(name);
    for (const slot of slots) {
      this.#putAway(slot);
    }
    await Promise.all(slots.map(({ id }) => this.#leaving.get(id.toString())));
  }

  /**
   * Replaces the factory of a type and all instances that the old one made; see `replaceType`.
   * @throws AgentrtError `NO_SUCH_AGENT` when this runtime does not have the type
   */
  async replaceType(type: string, after: AgentFactory, timeoutMs: number): Promise<void> {
    const known = this.#types.get(type);
    if (known === undefined) {
      throw noSuchAgent(new AgentId(type, "default"), this.types);
    }
    await replaceType({
      before: known.factory,
      after,
      timeoutMs,
      slots: () => this.slotsOf(type),
      setFactory: (factory) => {
        known.factory = factory;
      },
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
    const type = this.#types.get(id.type);
    if (type === undefined) {
      throw noSuchAgent(id, this.types);
    }
    if (this.#slots.size >= this.#options.maxInstances && !this.#makeRoom(type)) {
      throw new AgentrtError(
        "TOO_MANY",
        `Agent ${id} cannot be made: this runtime holds ${this.#slots.size} instances, its limit. Raise maxInstances (--max-instances), set idleTimeoutMs (--idle-timeout), or use fewer keys.`,
        { data: { limit: this.#options.maxInstances } },
      );
    }
    const { runtime, stateStore } = this.#options;
    const predecessor = this.#leaving.get(name);
    const { handled } = this;
    const slot = new AgentSlot({ id, type, runtime, stateStore, handled, predecessor });
    this.#slots.set(name, slot);
    type.instances += 1;
    return slot;
  }

  /** The slot of an instance if there is one. */
  find(id: AgentId): AgentSlot | undefined {
    return this.#slots.get(id.toString());
  }

  /** Gives back the place of an instance that could not be made. */
  forget(slot: AgentSlot): void {
    if (slot.isForgettable) {
      this.#delete(slot);
    }
  }

  /** Closes one instance; its next message makes it anew. */
  async drop(id: AgentId): Promise<void> {
    const slot = this.find(id);
    if (slot !== undefined) {
      this.#delete(slot);
      this.#onPutAway(slot);
      await slot.close();
    }
  }

  /** The instance, made now if need be. @throws AgentrtError as `slot`; `WRONG_AGENT_CLASS`; what its factory throws */
  async agent(id: AgentId, expected: AgentConstructor<Agent> | undefined): Promise<Agent> {
    const agent = await this.slot(id).agent();
    if (expected !== undefined && !(agent instanceof expected)) {
      throw wrongClass(id, agent, expected);
    }
    return agent;
  }

  /** What all instances that exist would save now, by `type/key`. */
  async states(): Promise<Readonly<Record<string, JsonValue>>> {
    const states = this.living().map(
      async (slot) => [slot.id.toString(), await slot.save()] as const,
    );
    return Object.fromEntries(await Promise.all(states));
  }

  /** The slots whose instances exist. */
  living(): readonly AgentSlot[] {
    return [...this.#slots.values()].filter((slot) => slot.isLiving);
  }

  async loadAll(states: Readonly<Record<string, JsonValue>>): Promise<void> {
    for (const [name, state] of Object.entries(states)) {
      await this.slot(AgentId.parse(name)).load(state);
    }
  }

  /** A state that cannot be saved is logged. */
  async saveAndCloseAll(): Promise<void> {
    const saving = this.living().map(async (slot) => await slot.saveIfChanged());
    for (const outcome of await Promise.allSettled(saving)) {
      if (outcome.status === "rejected") {
        logger.error("a state could not be saved while stopping", { error: outcome.reason });
      }
    }
    await this.#closeAll();
  }

  async #closeAll(): Promise<void> {
    for (const type of this.#types.values()) {
      type.idle?.clear();
    }
    const closing = [...this.#slots.values()].map(async (slot) => await slot.close());
    await Promise.all([...closing, ...this.#leaving.values()]);
  }

  /** Puts away the instance of an idle type that is idle longest, of the same type if there is one. */
  #makeRoom(wanted: AgentType): boolean {
    for (const type of [wanted, ...this.#types.values()]) {
      const slot = type.idle?.oldest();
      if (slot !== undefined) {
        this.#putAway(slot);
        return true;
      }
    }
    return false;
  }

  #expire(slot: AgentSlot): void {
    if (slot.canBePutAway) {
      this.#putAway(slot);
    } else {
      slot.type.idle?.add(slot);
    }
  }

  #putAway(slot: AgentSlot): void {
    const name = slot.id.toString();
    this.#delete(slot);
    slot.type.counts.putAway += 1;
    logger.debug("an idle agent is put away", { agent: name });
    this.#onPutAway(slot);
    const leaving = slot.putAway().finally(() => {
      if (this.#leaving.get(name) === leaving) {
        this.#leaving.delete(name);
      }
    });
    this.#leaving.set(name, leaving);
  }

  #delete(slot: AgentSlot): void {
    const name = slot.id.toString();
    if (this.#slots.get(name) === slot) {
      this.#slots.delete(name);
      slot.type.instances -= 1;
      slot.type.idle?.remove(slot);
    }
  }
}

export function noSuchAgent(id: AgentId, knownTypes: readonly string[]): AgentrtError {
  const known = knownTypes.length === 0 ? "none" : knownTypes.slice(0, 10).join(", ");
  return new AgentrtError(
    "NO_SUCH_AGENT",
    `No agent type ${id.type} is registered here (registered: ${known}). Register it before calling ${id}.`,
    { data: { agent: id.toString() } },
  );
}

function wrongClass(id: AgentId, agent: Agent, expected: { readonly name: string }): AgentrtError {
  return new AgentrtError(
    "WRONG_AGENT_CLASS",
    `Agent ${id} is a ${agent.constructor.name}, not a ${expected.name}.`,
    { data: { agent: id.toString() } },
  );
}
