import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../core/errors.ts";
import type { Registration, RegistrationResult } from "../core/registration.ts";
import type { AgentRpcClient } from "../wire/autogen/client.ts";
import { startBackoff } from "./backoff.ts";
import { type HostInTouch as Current, register, unsubscribe } from "./register.ts";
import { describe, isOfConnection, isTaken, warnOfRefusal } from "./registration.ts";
import { type RegistrationEntry as Entry, newEntry } from "./registration-entry.ts";

const logger = getLogger(["agentrt", "worker"]);

/** What a worker does when another one holds an agent type that it registers first: give up, or wait until it leaves. */
export type RegistrationPolicy = "fail" | "wait";

export interface RegistrationsOptions {
  readonly policy: RegistrationPolicy;
  readonly timeoutMs: number;
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
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
    const entry = newEntry(registration);
    this.#entries.add(entry);
    if (this.#current !== undefined) {
      await this.#tryFresh(entry, this.#current);
    }
    await entry.accepted.promise;
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

  /** What to send with the hello of a new connection: subscriptions behind the types that they are for. */
  offer(): readonly Registration[] {
    const all = Array.from(this.#entries, ({ registration }) => registration);
    return [...all.filter(isType), ...all.filter((registration) => !isType(registration))];
  }

  /**
   * Tells a new connection everything that its host has not taken with the hello. Resolves when each was
   * asked for once; what another worker holds is asked for again in the background until `signal` aborts.
   * Returns the refusals of new ones, which are forgotten.
   * @param taken what the host has said in its welcome
   * @throws AgentrtError when the connection does not last
   */
  async restore(
    client: AgentRpcClient,
    signal: AbortSignal,
    taken: ReadonlyMap<Registration, RegistrationResult> = new Map(),
  ): Promise<readonly AgentrtError[]> {
    const current: Current = { client, signal, results: new Map(taken) };
    this.#current = current;
    signal.addEventListener("abort", () => this.#lose(current), { once: true });
    const entries = [...this.#entries];
    this.#takeBackUnwanted(current);
    const refusals = [
      ...(await this.#tryAll(
        entries.filter(({ registration }) => isType(registration)),
        current,
      )),
      // After the types: a subscription of a contested type would meet that of its holder.
      ...(await this.#tryAll(
        entries.filter(({ registration }) => !isType(registration)),
        current,
      )),
    ];
    current.results.clear();
    return refusals;
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
      await register(entry.registration, current, this.#options.timeoutMs);
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
      if (entry.state !== "contested") {
        warnOfRefusal(entry.registration, error);
      }
      this.#contest(entry, current);
      return undefined;
    }
    if (this.#current === current) {
      entry.state = "held";
      entry.wasHeld = true;
      entry.accepted.resolve();
      if (!this.#entries.has(entry)) {
        this.#takeBack(entry, current);
      }
    }
    return undefined;
  }

  /** It was given up while the host was asked for it. */
  #takeBack(entry: Entry, current: Current): void {
    const { registration } = entry;
    if (registration.kind === "subscription") {
      unsubscribe(registration, current, this.#options.timeoutMs);
    } else {
      entry.isWithdrawn = true;
      this.#entries.add(entry);
    }
  }

  /** What was given up between the hello and the welcome. */
  #takeBackUnwanted(current: Current): void {
    const wanted = new Set(Array.from(this.#entries, ({ registration }) => registration));
    for (const [registration, { kind }] of current.results) {
      if (kind === "accepted" && !wanted.has(registration)) {
        this.#takeBack({ ...newEntry(registration), state: "held", wasHeld: true }, current);
      }
    }
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

function isType({ kind }: Registration): boolean {
  return kind === "type";
}
