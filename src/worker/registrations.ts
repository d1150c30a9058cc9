import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../core/errors.ts";
import type { AgentRpcClient } from "../wire/autogen/client.ts";
import { startBackoff } from "./backoff.ts";
import { describe, isOfConnection, isTaken, type Registration } from "./registration.ts";

const logger = getLogger(["agentrt", "worker"]);

/** What a worker does when another one holds an agent type that it registers first: give up, or wait until it leaves. */
export type RegistrationPolicy = "fail" | "wait";

/**
 * - `new`: the host has never accepted it.
 * - `held`: the host has it on the connection of now.
 * - `lost`: the host had it on an earlier connection.
 * - `contested`: another worker holds it; asked for again until that one leaves.
 */
type EntryState = "new" | "held" | "lost" | "contested";

interface Entry {
  readonly registration: Registration;
  readonly accepted: PromiseWithResolvers<void>;
  state: EntryState;
  wasHeld: boolean;
  /** Taken back here, while the host cannot forget it before the connection ends. */
  isWithdrawn: boolean;
}

export interface RegistrationsOptions {
  readonly policy: RegistrationPolicy;
  readonly timeoutMs: number;
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
}

interface Current {
  readonly client: AgentRpcClient;
  readonly signal: AbortSignal;
}

/** Everything that the host shall know of this worker, told to it anew on each connection. */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #entries = new Set<Entry>();
  #current: Current | undefined;
  #contestedOn: Current | undefined;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /**
   * Adds a registration; while there is no connection it is kept for the next one.
   * Resolves when the host has accepted it.
   * @throws AgentrtError the host's refusal
   */
  async add(registration: Registration): Promise<void> {
    const kept = this.#find(registration);
    if (kept?.isWithdrawn === true) {
      kept.isWithdrawn = false;
      return;
    }
    const accepted = Promise.withResolvers<void>();
    // Whoever added it may have gone when it fails later.
    accepted.promise.catch(() => undefined);
    const entry: Entry = {
      registration,
      accepted,
      state: "new",
      wasHeld: false,
      isWithdrawn: false,
    };
    this.#entries.add(entry);
    if (this.#current !== undefined) {
      await this.#tryFresh(entry, this.#current);
    }
    await accepted.promise;
  }

  /**
   * Takes an agent type back here. One that waits for another worker to leave ends with `CANCELLED`.
   * @param canHostForget whether the host can be told; otherwise it keeps the name until the connection ends
   * @returns true when the host has to be told
   */
  withdrawType(agentType: string, canHostForget: boolean): boolean {
    const entry = this.#find({ kind: "type", agentType });
    if (entry === undefined) {
      return false;
    }
    const isHeld = entry.state === "held";
    if (isHeld && !canHostForget) {
      entry.isWithdrawn = true;
      return false;
    }
    this.#entries.delete(entry);
    const message = `Agent type ${agentType} was taken back before the host accepted it.`;
    entry.accepted.reject(new AgentrtError("CANCELLED", message, { data: { agentType } }));
    return isHeld;
  }

  /** Takes a subscription back, here and at the host. */
  async removeSubscription(id: string): Promise<void> {
    for (const entry of this.#entries) {
      const { registration, state } = entry;
      if (registration.kind === "subscription" && registration.subscription.id === id) {
        this.#entries.delete(entry);
        if (state === "held") {
          await this.#current?.client.removeSubscription(id, this.#options.timeoutMs);
        }
      }
    }
  }

  /**
   * Tells a new connection everything. Resolves when each was asked for once; what another worker
   * holds is asked for again in the background until `signal` aborts.
   * Returns the refusals of new ones, which are forgotten.
   * @throws AgentrtError when the connection does not last
   */
  async restore(client: AgentRpcClient, signal: AbortSignal): Promise<readonly AgentrtError[]> {
    const current: Current = { client, signal };
    this.#current = current;
    signal.addEventListener("abort", () => this.#lose(current), { once: true });
    const entries = [...this.#entries];
    const isType = (entry: Entry): boolean => entry.registration.kind === "type";
    return [
      ...(await this.#tryAll(entries.filter(isType), current)),
      // After the types: a subscription of a contested type would meet that of its holder.
      ...(await this.#tryAll(
        entries.filter((entry) => !isType(entry)),
        current,
      )),
    ];
  }

  /**
   * True when an agent type is held that other workers may hold too, each with instances of its own: the
   * host's settings may say so of one that was registered without a policy.
   */
  get mayShare(): boolean {
    return [...this.#entries].some(
      ({ registration, state }) =>
        registration.kind === "type" &&
        (registration.policy === "shared" || registration.policy === undefined) &&
        state === "held",
    );
  }

  /** Ends everything that still waits to be accepted. */
  close(error: AgentrtError): void {
    for (const entry of this.#entries) {
      entry.accepted.reject(error);
    }
    this.#entries.clear();
  }

  #find(wanted: Registration): Entry | undefined {
    return [...this.#entries].find(
      ({ registration }) =>
        registration.kind === "type" &&
        wanted.kind === "type" &&
        registration.agentType === wanted.agentType,
    );
  }

  async #tryAll(entries: readonly Entry[], current: Current): Promise<readonly AgentrtError[]> {
    const refusals: AgentrtError[] = [];
    await Promise.all(
      entries.map(async (entry) => {
        const refusal = await this.#try(entry, current);
        if (refusal !== undefined) {
          refusals.push(refusal);
        }
      }),
    );
    return refusals;
  }

  /** A failing connection is not the registration's end: it is tried again, on the next one if need be. */
  async #tryFresh(entry: Entry, current: Current): Promise<void> {
    try {
      await this.#try(entry, current);
    } catch (error) {
      logger.debug("a registration is tried again", { ...describe(entry.registration), error });
      if (!current.signal.aborted) {
        this.#contest(entry, current);
      }
    }
  }

  /** Returns the refusal that ends an entry; throws what says that the connection does not last. */
  async #try(entry: Entry, current: Current): Promise<AgentrtError | undefined> {
    if (this.#dependsOnContested(entry)) {
      this.#contest(entry, current);
      return undefined;
    }
    try {
      await this.#ask(entry.registration, current.client);
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      if (isOfConnection(error)) {
        throw error;
      }
      if (!entry.wasHeld && (this.#options.policy === "fail" || !isTaken(error))) {
        this.#entries.delete(entry);
        entry.accepted.reject(error);
        return error;
      }
      this.#warnOnce(entry, error);
      this.#contest(entry, current);
      return undefined;
    }
    if (this.#current === current) {
      entry.state = "held";
      entry.wasHeld = true;
      entry.accepted.resolve();
      if (!this.#entries.has(entry)) {
        // Taken back while the host was asked.
        entry.isWithdrawn = true;
        this.#entries.add(entry);
      }
    }
    return undefined;
  }

  async #ask(registration: Registration, client: AgentRpcClient): Promise<void> {
    const { timeoutMs } = this.#options;
    await (registration.kind === "type"
      ? client.registerAgent(registration.agentType, timeoutMs, {
          policy: registration.policy,
          canHandOver: true,
        })
      : client.addSubscription(registration.subscription, timeoutMs));
  }

  #dependsOnContested({ registration }: Entry): boolean {
    return (
      registration.kind === "subscription" &&
      [...this.#entries].some(
        (other) =>
          other.state === "contested" &&
          other.registration.kind === "type" &&
          other.registration.agentType === registration.subscription.agentType,
      )
    );
  }

  #warnOnce(entry: Entry, error: AgentrtError): void {
    if (entry.state === "contested") {
      return;
    }
    const { registration } = entry;
    if (registration.kind === "type" && isTaken(error)) {
      logger.warn("agent type {agentType} is held by another worker; taking over when it leaves", {
        agentType: registration.agentType,
      });
    } else {
      logger.warn("the host does not accept a registration now; trying again", {
        ...describe(registration),
        error,
      });
    }
  }

  #contest(entry: Entry, current: Current): void {
    entry.state = "contested";
    if (this.#contestedOn !== current) {
      this.#contestedOn = current;
      void this.#retryContested(current);
    }
  }

  async #retryContested(current: Current): Promise<void> {
    for (let backoff = startBackoff(this.#options); ; backoff = backoff.next()) {
      await backoff.wait(current.signal);
      const contested = [...this.#entries].filter((entry) => entry.state === "contested");
      if (current.signal.aborted || contested.length === 0) {
        break;
      }
      for (const entry of contested) {
        await this.#tryFresh(entry, current);
      }
    }
    if (this.#contestedOn === current) {
      this.#contestedOn = undefined;
    }
  }

  #lose(current: Current): void {
    if (this.#current !== current) {
      return;
    }
    this.#current = undefined;
    for (const entry of this.#entries) {
      entry.state = entry.wasHeld ? "lost" : "new";
      if (entry.isWithdrawn) {
        this.#entries.delete(entry);
      }
    }
  }
}
