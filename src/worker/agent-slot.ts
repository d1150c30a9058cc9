import { getLogger } from "@logtape/logtape";
import type { Agent, AgentFactory, JsonValue } from "../core/agent.ts";
import { AgentId } from "../core/agent-id.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import type { AgentRuntime } from "../core/runtime.ts";
import type { StateStore } from "../core/state-store.ts";
import { Turnstile } from "./turnstile.ts";

const logger = getLogger(["agentrt", "worker"]);

/** Where a state goes that its agent did not accept: the same key under the type with this ending. */
export const REJECTED_STATE_SUFFIX = ".rejected-state";

/** vacant -> creating -> living -> closed; a factory that fails leads from creating back to vacant. */
type SlotState =
  | { readonly kind: "vacant" }
  | { readonly kind: "creating"; readonly agent: Promise<Agent> }
  | { readonly kind: "living"; readonly agent: Agent }
  | { readonly kind: "closed" };

export interface AgentSlotOptions {
  readonly id: AgentId;
  readonly runtime: AgentRuntime;
  readonly factory: AgentFactory;
  readonly stateStore: StateStore | undefined;
}

/** The place of one agent instance: makes it when it is needed first, and keeps its state stored. */
export class AgentSlot {
  readonly id: AgentId;
  readonly #options: AgentSlotOptions;
  readonly #turnstile = new Turnstile();
  #factory: AgentFactory;
  #state: SlotState = { kind: "vacant" };
  /** The JSON text that the store has; undefined while it has none of this agent. */
  #storedJson: string | undefined;
  /** Saves one after the other, so that an older state never overwrites a newer one. */
  #lastSave: Promise<void> = Promise.resolve();

  constructor(options: AgentSlotOptions) {
    this.id = options.id;
    this.#options = options;
    this.#factory = options.factory;
  }

  /** What makes the instance. */
  get factory(): AgentFactory {
    return this.#factory;
  }

  get isVacant(): boolean {
    return this.#state.kind === "vacant";
  }

  get isLiving(): boolean {
    return this.#state.kind === "living";
  }

  /**
   * The instance, made now if there is none. Callers at the same time get the same one.
   * Rejects with what the factory threw; the next call tries again.
   */
  async agent(): Promise<Agent> {
    switch (this.#state.kind) {
      case "living":
      case "creating":
        return await this.#state.agent;
      case "vacant": {
        const agent = this.#create();
        this.#state = { kind: "creating", agent };
        return await agent;
      }
      case "closed":
        throw new AgentrtError(
          "RUNTIME_STATE",
          `Agent ${this.id} is closed; its runtime has stopped.`,
        );
      default:
        return this.#state satisfies never;
    }
  }

  /** Keeps the instance from being replaced until `leave`; see `Turnstile.enter` for the result. */
  enter(): Promise<void> | undefined {
    return this.#turnstile.enter();
  }

  leave(): void {
    this.#turnstile.leave();
  }

  /**
   * Puts an instance of another factory in the place of the living one: after what is being
   * handled, before what waits, and with the state of the old one. When the new one cannot be made
   * or does not accept the state, the old factory makes the instance again, with its state.
   * @throws what the new factory or `loadState` threw; AgentrtError `DEADLINE` when the handler
   *   that runs has not ended within `timeoutMs`
   */
  async replace(factory: AgentFactory, timeoutMs: number): Promise<void> {
    await this.#turnstile.hold(async () => await this.#replaceNow(factory), timeoutMs);
  }

  /** @throws AgentrtError `STATE_REJECTED` when the agent does not accept the state or keeps none */
  async load(state: JsonValue): Promise<void> {
    const agent = await this.agent();
    if (agent.loadState === undefined) {
      throw new AgentrtError(
        "STATE_REJECTED",
        `Agent ${this.id} keeps no state, so none can be loaded.`,
      );
    }
    try {
      await agent.loadState(state);
    } catch (error) {
      throw rejected(this.id, error);
    }
    await this.saveIfChanged();
  }

  /** The agent's state now; null when it keeps none. */
  async save(): Promise<JsonValue> {
    const agent = await this.agent();
    return (await agent.saveState?.()) ?? null;
  }

  /** Stores the state if it differs from what is stored. @throws what `saveState` or the store throws */
  async saveIfChanged(): Promise<void> {
    if (this.#options.stateStore === undefined || this.#state.kind !== "living") {
      return;
    }
    const save = this.#lastSave.then(async () => await this.#saveNow());
    this.#lastSave = save.catch(() => undefined);
    await save;
  }

  /** Lets the instance close; nothing is made here afterwards. Does not reject. */
  async close(): Promise<void> {
    const before = this.#state;
    this.#state = { kind: "closed" };
    if (before.kind !== "living" && before.kind !== "creating") {
      return;
    }
    try {
      const agent = await before.agent;
      await agent.close?.();
    } catch (error) {
      logger.error("an agent failed to close", { agent: this.id.toString(), error });
    }
  }

  async #replaceNow(factory: AgentFactory): Promise<void> {
    if (this.#state.kind === "creating") {
      await Promise.allSettled([this.#state.agent]);
    }
    const before = this.#factory;
    if (this.#state.kind !== "living") {
      this.#factory = factory;
      return;
    }
    const old = this.#state.agent;
    const state = await old.saveState?.();
    await old.close?.();
    this.#factory = factory;
    try {
      this.#settle(await this.#makeWith(state));
    } catch (error) {
      this.#factory = before;
      await this.#goBack(state);
      throw error;
    }
    await this.saveIfChanged();
  }

  async #goBack(state: JsonValue | undefined): Promise<void> {
    try {
      this.#settle(await this.#makeWith(state));
    } catch (error) {
      // The next message tries again, with what the store has.
      this.#state = { kind: "vacant" };
      logger.error("an agent could not be made again after a failed replacement", {
        agent: this.id.toString(),
        error,
      });
    }
  }

  /** A runtime that stopped meanwhile keeps the slot closed. */
  #settle(agent: Agent): void {
    if (this.#state.kind === "living") {
      this.#state = { kind: "living", agent };
    }
  }

  async #makeWith(state: JsonValue | undefined): Promise<Agent> {
    const agent = await this.#make();
    if (state !== undefined && agent.loadState !== undefined) {
      try {
        await agent.loadState(state);
      } catch (error) {
        throw rejected(this.id, error);
      }
    }
    return agent;
  }

  async #create(): Promise<Agent> {
    try {
      const agent = await this.#makeWithState();
      if (this.#state.kind === "creating") {
        this.#state = { kind: "living", agent };
      }
      return agent;
    } catch (error) {
      if (this.#state.kind === "creating") {
        this.#state = { kind: "vacant" };
      }
      throw error;
    }
  }

  async #makeWithState(): Promise<Agent> {
    const stored = this.#options.stateStore?.loadState(this.id);
    const agent = await this.#make();
    if (stored === undefined || agent.loadState === undefined) {
      return agent;
    }
    try {
      await agent.loadState(JSON.parse(stored) as JsonValue);
      this.#storedJson = stored;
      return agent;
    } catch (error) {
      this.#putAside(stored, error);
      // A fresh object, because the refused state may have been loaded in part.
      const fresh = await this.#make();
      if (fresh !== agent) {
        await agent.close?.();
      }
      return fresh;
    }
  }

  async #make(): Promise<Agent> {
    const { id, runtime } = this.#options;
    const agent = await this.#factory(id, runtime);
    agent.bind(id, runtime);
    return agent;
  }

  #putAside(stored: string, error: unknown): void {
    const asideId = new AgentId(`${this.id.type}${REJECTED_STATE_SUFFIX}`, this.id.key);
    this.#options.stateStore?.saveState(asideId, stored);
    logger.error(
      "an agent did not accept its stored state and starts fresh; the state is kept aside",
      {
        agent: this.id.toString(),
        keptAs: asideId.toString(),
        code: "STATE_REJECTED",
        error: rejected(this.id, error),
      },
    );
  }

  async #saveNow(): Promise<void> {
    if (this.#state.kind !== "living") {
      return;
    }
    const state = await this.#state.agent.saveState?.();
    const json = state === undefined ? undefined : JSON.stringify(state);
    if (json !== undefined && json !== this.#storedJson) {
      this.#options.stateStore?.saveState(this.id, json);
      this.#storedJson = json;
    }
  }
}

function rejected(id: AgentId, error: unknown): AgentrtError {
  return new AgentrtError(
    "STATE_REJECTED",
    `Agent ${id} does not accept the state: ${messageOf(error)}`,
    {
      cause: error,
      data: { agent: id.toString() },
    },
  );
}
