import { getLogger } from "@logtape/logtape";
import type { Agent, AgentFactory, JsonValue } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { AgentRuntime } from "../core/runtime.ts";
import type { StateStore } from "../core/state-store.ts";
import type { AgentType } from "./agent-type.ts";
import { type Backoff, startBackoff } from "./backoff.ts";
import { endsWithin } from "./ends-within.ts";
import type { HandledRecords } from "./handled-records.ts";
import { InstanceMaker } from "./instance-maker.ts";
import { stateRejected } from "./rejected-state.ts";
import { saveChanged } from "./save-changed.ts";
import { Turnstile } from "./turnstile.ts";

const logger = getLogger(["agentrt", "worker"]);

/** How long an instance that is made anew waits for the one before to save and close. */
const LEAVE_GRACE_MS = 1_000;

/**
 * vacant -> creating -> living -> closed; a factory that fails leads from creating back to vacant,
 * as a restart does from creating and living.
 */
type SlotState =
  | { readonly kind: "vacant" }
  | { readonly kind: "creating"; readonly agent: Promise<Agent> }
  | { readonly kind: "living"; readonly agent: Agent }
  | { readonly kind: "closed" };

export interface AgentSlotOptions {
  readonly id: AgentId;
  readonly type: AgentType;
  readonly runtime: AgentRuntime;
  readonly stateStore: StateStore | undefined;
  readonly handled: HandledRecords;
  /** Resolves when an instance of the same id that was put away has left. */
  readonly predecessor: Promise<void> | undefined;
}

/** The place of one agent instance: makes it when it is needed first, keeps its state stored, makes it anew. */
export class AgentSlot {
  readonly id: AgentId;
  readonly type: AgentType;
  readonly #options: AgentSlotOptions;
  readonly #maker: InstanceMaker;
  #turnstile = new Turnstile();
  #state: SlotState = { kind: "vacant" };
  /** True while the last save failed, so that the state is here alone. */
  #isUnsaved = false;
  #failuresInARow = 0;
  #restartBackoff: Backoff | undefined;
  /** Saves one after the other, so that an older state never overwrites a newer one. */
  #lastSave: Promise<void> = Promise.resolve();

  constructor(options: AgentSlotOptions) {
    this.id = options.id;
    this.type = options.type;
    this.#options = options;
    this.#maker = new InstanceMaker(
      { ...options, factory: options.type.factory },
      options.predecessor,
    );
  }

  /** What makes the instance. */
  get factory(): AgentFactory {
    return this.#maker.factory;
  }

  /** Who handles a message passes it, so that the instance is not replaced meanwhile. */
  get turnstile(): Turnstile {
    return this.#turnstile;
  }

  /** True when nothing is lost with the slot: there is no instance, and no memory of one. */
  get isForgettable(): boolean {
    const isVacant = this.#state.kind === "vacant" && this.#restartBackoff === undefined;
    return isVacant && !this.#maker.hasPast;
  }

  get isLiving(): boolean {
    return this.#state.kind === "living";
  }

  /** The instance if it is there. */
  get living(): Agent | undefined {
    return this.#state.kind === "living" ? this.#state.agent : undefined;
  }

  /** Notes a durable record as handled, in the turn in which its handler ended. */
  noteHandled(cursor: string, position: number): void {
    this.#options.handled.note(this.id, cursor, position);
  }

  /** True when there is a store that keeps its state. */
  get isStored(): boolean {
    return this.#options.stateStore !== undefined;
  }

  /** True when the instance, with nothing to do, may be saved and closed without a loss. */
  get canBePutAway(): boolean {
    switch (this.#state.kind) {
      case "vacant":
        return !this.#maker.hasPast;
      case "living": {
        const { agent } = this.#state;
        const hasPlaceForState =
          agent.saveState === undefined || this.#options.stateStore !== undefined;
        return !this.#isUnsaved && hasPlaceForState && agent.canBePutAway?.() !== false;
      }
      default:
        return false;
    }
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
      case "vacant":
        return await this.#create();
      case "closed":
        throw new AgentrtError(
          "RUNTIME_STATE",
          `Agent ${this.id} is closed; its runtime has stopped.`,
        );
      default:
        return this.#state satisfies never;
    }
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
      throw stateRejected(this.id, error);
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

  succeeded(): void {
    this.#failuresInARow = 0;
    this.#restartBackoff = undefined;
  }

  /** Counts a failure. True when the instance has to be made anew by the rules of its type. */
  failed(): boolean {
    this.#failuresInARow += 1;
    const { restart } = this.type.policy;
    return restart !== undefined && this.#failuresInARow >= restart.afterFailures;
  }

  /**
   * Lets the instance go; the next message makes it anew, with its state. Does not reject.
   * Returns the pause before that message, by the rules of the type.
   */
  restart(): Backoff | undefined {
    const before = this.#state;
    const { restart } = this.type.policy;
    if (before.kind === "closed") {
      return undefined;
    }
    this.#failuresInARow = 0;
    this.#state = { kind: "vacant" };
    // A handler that hangs never leaves the old one.
    this.#turnstile = new Turnstile();
    if (before.kind === "living") {
      this.#maker.waitFor(endsWithin(LEAVE_GRACE_MS, this.#maker.leave(before.agent)));
    } else if (before.kind === "creating") {
      // It hangs, and may do so for ever; if it is made after all, it is closed.
      void this.#maker.closeAgent(before.agent);
    }
    if (restart !== undefined) {
      this.#restartBackoff = this.#restartBackoff?.next() ?? startBackoff(restart);
    }
    return this.#restartBackoff;
  }

  /** Saves the state and lets the instance close; the slot is over. Does not reject. */
  async putAway(): Promise<void> {
    try {
      await this.saveIfChanged();
    } catch (error) {
      logger.error("the state of an agent could not be saved when it was put away", {
        agent: this.id.toString(),
        error,
      });
    }
    await this.close();
  }

  /** Lets the instance close; nothing is made here afterwards. Does not reject. */
  async close(): Promise<void> {
    const before = this.#state;
    this.#state = { kind: "closed" };
    if (before.kind === "living" || before.kind === "creating") {
      await this.#maker.closeAgent(before.agent);
    }
  }

  async #create(): Promise<Agent> {
    const agent = this.#maker.makeFromStore();
    // A restart or close while it is made takes the attempt's place, and lets its agent go.
    const attempt: SlotState = { kind: "creating", agent };
    this.#state = attempt;
    try {
      const made = await agent;
      if (this.#state === attempt) {
        this.#state = { kind: "living", agent: made };
      }
      return made;
    } catch (error) {
      if (this.#state === attempt) {
        this.#state = { kind: "vacant" };
      }
      throw error;
    }
  }

  async #replaceNow(factory: AgentFactory): Promise<void> {
    if (this.#state.kind === "creating") {
      await Promise.allSettled([this.#state.agent]);
    }
    const before = this.#maker.factory;
    if (this.#state.kind !== "living") {
      this.#maker.factory = factory;
      return;
    }
    const old = this.#state.agent;
    const state = await old.saveState?.();
    old.unbind?.();
    await old.close?.();
    this.#maker.factory = factory;
    try {
      this.#settle(await this.#maker.makeWith(state));
    } catch (error) {
      this.#maker.factory = before;
      await this.#goBack(state);
      throw error;
    }
    await this.saveIfChanged();
  }

  async #goBack(state: JsonValue | undefined): Promise<void> {
    try {
      this.#settle(await this.#maker.makeWith(state));
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

  async #saveNow(): Promise<void> {
    if (this.#state.kind !== "living") {
      return;
    }
    this.#isUnsaved = true;
    const { storedJson } = this.#maker;
    this.#maker.storedJson = await saveChanged(this.#state.agent, this.#options, storedJson);
    this.#isUnsaved = false;
  }
}
