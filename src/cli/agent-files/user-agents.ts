import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { getLogger } from "@logtape/logtape";
import type { AgentFactory } from "../../core/agent.ts";
import { type DeclaredAgent, subscriptionsOf } from "../../core/declared-agent.ts";
import { AgentrtError } from "../../core/errors.ts";
import type { AgentRuntime } from "../../core/runtime.ts";
import { routeKeyOf, type Subscription } from "../../core/subscription.ts";
import type { IsolateLimits } from "../../worker/isolation/isolated-factory.ts";
import { type AgentBundle, bundleAgentFile } from "./bundle-agent-file.ts";
import { FileWatcher } from "./file-watcher.ts";
import { findAgentFiles } from "./find-agent-files.ts";
import { loadAgentBundle, loadAgentFile } from "./load-agent-file.ts";

const log = getLogger(["agentrt", "agents"]);

/** A runtime that can put a new version of an agent type in the place of the old one, and take one back. */
export interface ReloadingRuntime extends AgentRuntime {
  unregisterFactory(type: string): Promise<void>;
  replaceFactory(type: string, factory: AgentFactory): Promise<void>;
}

export interface UserAgentsOptions {
  readonly runtime: ReloadingRuntime;
  /** Files and folders, as the user named them. */
  readonly paths: readonly string[];
  /** Loads files anew when they change. */
  readonly isWatching: boolean;
  /** The limits of agents in threads of their own. */
  readonly isolate: IsolateLimits;
}

/** The agents of one file that are registered. */
interface LoadedFile {
  /** Each with its options as JSON. */
  readonly types: Map<string, string>;
  /** By what they match. */
  readonly subscriptions: Map<string, Subscription>;
  /** What was loaded last, or could not be; another try with the same text is in vain. */
  code: string | undefined;
  /** What was said of it last, so that it is said once. */
  problem: string | undefined;
}

/** The agents of a worker's `--agent` files. */
export class UserAgents {
  readonly #options: UserAgentsOptions;
  readonly #files = new Map<string, LoadedFile>();
  readonly #watcher: FileWatcher;
  /** From now on a registration waits for the host, and perhaps for another worker to leave. */
  #isStarted = false;
  /** Agents that the reload of now has taken back. */
  #removals = 0;
  /** One reload after the other. */
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: UserAgentsOptions) {
    this.#options = options;
    this.#watcher = new FileWatcher(() => {
      this.#reloading = this.#reloading.then(async () => await this.#reloadChanged());
    });
  }

  /**
   * Loads and registers everything. A file that is broken is reported in the log, and the others
   * run all the same.
   * @throws AgentrtError `INVALID_OPTION` for a path that leads nowhere; `AGENT_FILE_BROKEN` when
   *   no file at all could be loaded
   */
  async start(): Promise<void> {
    const files = findAgentFiles(this.#options.paths);
    const failures: AgentrtError[] = [];
    for (const file of files) {
      try {
        await this.#load(file);
      } catch (error) {
        failures.push(this.#report(file, error, "an agent file cannot be used; the others run"));
      }
    }
    this.#isStarted = true;
    const [first] = failures;
    // Who watches is about to mend it.
    if (first !== undefined && failures.length === files.length && !this.#options.isWatching) {
      throw files.length === 1
        ? first
        : new AgentrtError(
            first.code,
            `None of ${files.length} agent files could be loaded. The first: ${first.message}`,
            { cause: first, data: first.data },
          );
    }
  }

  /** Watches no longer. The agents belong to the runtime, and stop with it. */
  close(): void {
    this.#watcher.close();
  }

  async #load(file: string): Promise<void> {
    this.#files.set(file, {
      types: new Map(),
      subscriptions: new Map(),
      code: undefined,
      problem: undefined,
    });
    if (!this.#options.isWatching) {
      await this.#take(file, await loadAgentFile(file, this.#options.isolate));
      return;
    }
    this.#watcher.watch(file, [file]);
    const bundle = await bundleAgentFile(file);
    this.#watcher.watch(file, [file, ...bundle.sources]);
    await this.#loadBundle(file, bundle);
  }

  async #loadBundle(file: string, bundle: AgentBundle): Promise<void> {
    const loaded = this.#files.get(file);
    if (loaded !== undefined) {
      loaded.code = bundle.code;
    }
    // An empty file is one that is being written.
    const mayBeWithout = (loaded?.types.size ?? 0) > 0 && statSync(file).size > 0;
    const { isolate } = this.#options;
    await this.#take(file, await loadAgentBundle(file, bundle, isolate, { mayBeWithout }));
  }

  async #reloadChanged(): Promise<void> {
    this.#removals = 0;
    await this.#removeGone();
    await this.#reloadAll();
    if (this.#removals > 0) {
      // An agent that moves to another file may have been tried there before it left the first.
      for (const loaded of this.#files.values()) {
        loaded.code = loaded.problem === undefined ? loaded.code : undefined;
      }
      await this.#reloadAll();
    }
  }

  async #reloadAll(): Promise<void> {
    for (const file of this.#filesNow()) {
      try {
        await this.#reload(file);
      } catch (error) {
        this.#report(file, error, "a changed agent file cannot be used; its last version goes on");
      }
    }
  }

  /** Files that were taken out of a watched folder. One that was named itself is expected back. */
  async #removeGone(): Promise<void> {
    const named = new Set(this.#options.paths.map((path) => resolve(path)));
    for (const file of [...this.#files.keys()]) {
      if (!named.has(file) && !existsSync(file)) {
        await this.#take(file, []);
        this.#files.delete(file);
        this.#watcher.forget(file);
      }
    }
  }

  /** Those that are known, and those that came into a folder. */
  #filesNow(): readonly string[] {
    try {
      return [...new Set([...this.#files.keys(), ...findAgentFiles(this.#options.paths)])];
    } catch {
      // A path that is gone for now; its files say so themselves.
      return [...this.#files.keys()];
    }
  }

  async #reload(file: string): Promise<void> {
    const loaded = this.#files.get(file);
    if (loaded === undefined) {
      await this.#load(file);
      return;
    }
    const bundle = await bundleAgentFile(file);
    this.#watcher.watch(file, [file, ...bundle.sources]);
    if (bundle.code !== loaded.code) {
      await this.#loadBundle(file, bundle);
      loaded.problem = undefined;
      log.info("agent file loaded anew", { file, agents: [...loaded.types.keys()].join(",") });
    }
  }

  /** Registers what a file exports, or replaces what it exported before. */
  async #take(file: string, agents: readonly DeclaredAgent[]): Promise<void> {
    const loaded = this.#files.get(file);
    if (loaded === undefined) {
      return;
    }
    const { runtime } = this.#options;
    for (const type of [...loaded.types.keys()]) {
      if (!agents.some((agent) => agent.type === type)) {
        await this.#remove(type, file, loaded);
      }
    }
    for (const agent of agents) {
      const options = JSON.stringify(agent.options);
      const optionsBefore = loaded.types.get(agent.type);
      if (optionsBefore !== undefined) {
        if (optionsBefore !== options) {
          log.warn("the options of an agent changed; they hold when the worker starts again", {
            file,
            agent: agent.type,
          });
        }
        await runtime.replaceFactory(agent.type, agent.factory);
        await this.#subscribe(loaded, agent);
      } else if (this.#isStarted) {
        loaded.types.set(agent.type, options);
        this.#registerLater(agent, file, loaded);
      } else {
        await this.#register(agent, file);
        loaded.types.set(agent.type, options);
        await this.#subscribe(loaded, agent);
      }
    }
  }

  /** Takes an agent type back that its file no longer exports. */
  async #remove(type: string, file: string, loaded: LoadedFile): Promise<void> {
    this.#removals += 1;
    loaded.types.delete(type);
    for (const [match, { agentType }] of loaded.subscriptions) {
      if (agentType === type) {
        loaded.subscriptions.delete(match);
      }
    }
    await this.#options.runtime.unregisterFactory(type);
    log.info("agent removed: its file no longer exports it", { agent: type, file });
  }

  /** Another worker may hold the type for long, and other files shall be loaded meanwhile. */
  #registerLater(agent: DeclaredAgent, file: string, loaded: LoadedFile): void {
    this.#register(agent, file)
      .then(async () => await this.#subscribe(loaded, agent))
      .catch((error: unknown) => {
        if (!loaded.types.delete(agent.type)) {
          // It was taken out of its file again while it waited.
          return;
        }
        this.#report(file, error, "an agent of a changed file cannot be registered");
      });
  }

  async #register({ type, factory, options }: DeclaredAgent, file: string): Promise<void> {
    try {
      await this.#options.runtime.registerFactory(type, factory, options);
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      throw new AgentrtError(error.code, `${file}: ${error.message}`, {
        cause: error,
        data: { ...error.data, file },
      });
    }
    log.info("agent registered", { agent: type, file, ...options });
  }

  async #subscribe({ subscriptions }: LoadedFile, agent: DeclaredAgent): Promise<void> {
    const { runtime } = this.#options;
    const wanted = new Map(subscriptionsOf(agent).map((one) => [routeKeyOf(one), one] as const));
    for (const [match, subscription] of wanted) {
      if (!subscriptions.has(match)) {
        await runtime.addSubscription(subscription);
        subscriptions.set(match, subscription);
      }
    }
    for (const [match, subscription] of subscriptions) {
      if (subscription.agentType === agent.type && !wanted.has(match)) {
        await runtime.removeSubscription(subscription.id);
        subscriptions.delete(match);
      }
    }
  }

  #report(file: string, thrown: unknown, what: string): AgentrtError {
    const error = AgentrtError.from(thrown);
    const loaded = this.#files.get(file);
    if (loaded?.problem !== error.message) {
      log.error(what, { file, code: error.code, ...error.data, problem: error.message });
    }
    if (loaded !== undefined) {
      loaded.problem = error.message;
    }
    return error;
  }
}
