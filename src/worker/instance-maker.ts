import { getLogger } from "@logtape/logtape";
import type { Agent, AgentFactory, JsonValue } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { AgentRuntime } from "../core/runtime.ts";
import type { StateStore } from "../core/state-store.ts";
import { keepAside, stateRejected } from "./rejected-state.ts";

const logger = getLogger(["agentrt", "worker"]);

export interface InstanceMakerOptions {
  readonly id: AgentId;
  readonly runtime: AgentRuntime;
  readonly factory: AgentFactory;
  readonly stateStore: StateStore | undefined;
}

/** Makes the instances of one id, one after the other, with the state that each has to begin with. */
export class InstanceMaker {
  factory: AgentFactory;
  /** Nothing is made before this: the instance before has left. */
  #predecessor: Promise<void> | undefined;
  /** State that goes over a restart by memory, where there is no store. */
  carriedJson: string | undefined;
  /** The JSON text that the store has; undefined while it has none of this agent. */
  storedJson: string | undefined;
  readonly #options: InstanceMakerOptions;

  constructor(options: InstanceMakerOptions, predecessor: Promise<void> | undefined) {
    this.#options = options;
    this.factory = options.factory;
    if (predecessor !== undefined) {
      this.waitFor(predecessor);
    }
  }

  /** True while there was an instance whose state is here alone, or which has not left yet. */
  get hasPast(): boolean {
    return this.carriedJson !== undefined || this.#predecessor !== undefined;
  }

  /** Makes nothing before this has ended: the instance before leaves. */
  waitFor(leaving: Promise<unknown>): void {
    const predecessor = leaving.then(() => {
      if (this.#predecessor === predecessor) {
        this.#predecessor = undefined;
      }
    });
    this.#predecessor = predecessor;
  }

  /** With the state that was carried or stored; one that does not fit is kept aside. */
  async makeFromStore(): Promise<Agent> {
    const { id, stateStore } = this.#options;
    await this.#predecessor;
    this.#predecessor = undefined;
    const stored = this.carriedJson ?? stateStore?.loadState(id);
    const agent = await this.#make();
    if (stored === undefined || agent.loadState === undefined) {
      return agent;
    }
    try {
      await agent.loadState(JSON.parse(stored) as JsonValue);
      this.storedJson = stored;
      this.carriedJson = undefined;
      return agent;
    } catch (error) {
      this.carriedJson = undefined;
      keepAside(stateStore, id, stored, error);
      // A fresh object, because the refused state may have been loaded in part.
      const fresh = await this.#make();
      if (fresh !== agent) {
        agent.unbind?.();
        await agent.close?.();
      }
      return fresh;
    }
  }

  /** With this state. @throws AgentrtError `STATE_REJECTED`; what the factory throws */
  async makeWith(state: JsonValue | undefined): Promise<Agent> {
    const agent = await this.#make();
    if (state !== undefined && agent.loadState !== undefined) {
      try {
        await agent.loadState(state);
      } catch (error) {
        agent.unbind?.();
        throw stateRejected(this.#options.id, error);
      }
    }
    return agent;
  }

  /** Keeps the state for the next instance where there is no store, and lets this one go. Does not reject. */
  async leave(agent: Agent): Promise<void> {
    if (this.#options.stateStore === undefined) {
      try {
        const state = await agent.saveState?.();
        this.carriedJson = state === undefined ? undefined : JSON.stringify(state);
      } catch (error) {
        logger.error("an agent could not give its state for its restart", {
          agent: this.#options.id.toString(),
          error,
        });
      }
    }
    await this.closeAgent(agent);
  }

  /** Does not reject. */
  async closeAgent(closing: Agent | Promise<Agent>): Promise<void> {
    try {
      const agent = await closing;
      agent.unbind?.();
      await agent.close?.();
    } catch (error) {
      logger.error("an agent failed to close", { agent: this.#options.id.toString(), error });
    }
  }

  async #make(): Promise<Agent> {
    const { id, runtime } = this.#options;
    const agent = await this.factory(id, runtime);
    agent.bind(id, runtime);
    return agent;
  }
}
