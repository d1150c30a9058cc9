import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { AgentFactory } from "../../core/agent.ts";
import { AgentrtError } from "../../core/errors.ts";
import { wholeNumber } from "../option-values.ts";
import { IsolatedAgent } from "./isolated-agent.ts";
import { IsolatedThreads } from "./isolated-threads.ts";
import { type ThreadLimits, threadEntry } from "./thread.ts";
import type { IsolatedModule } from "./thread-messages.ts";

export interface IsolateLimits {
  /** A thread whose event loop does not turn for so long, in milliseconds, is ended. Default: 5,000. */
  readonly unresponsiveAfterMs?: number | undefined;
  /**
   * A thread whose objects take more than this, in bytes, is ended. While it does not turn its event
   * loop, what the process takes more is put down to it. Default: 512 MiB.
   */
  readonly maxMemoryBytes?: number | undefined;
}

export interface IsolateOptions extends IsolateLimits {
  /** The file with the agent: a URL such as `new URL("./agent.ts", import.meta.url)`, or an absolute path. */
  readonly module: URL | string;
  /** What it exports: a factory (`defineAgent`), or a class of `RoutedAgent` without parameters. */
  readonly export: string;
}

const isolatedFactories = new WeakSet<AgentFactory>();

/**
 * A factory whose agents run in a thread of their own (a Bun Worker), all instances of it in one. An
 * endless loop in one of them harms the others of its factory only: the thread is ended, the messages
 * that it had end with `HANDLER_FAILED`, and the next message makes it anew, with the states that the
 * instances had after their last message.
 *
 * Inside, agents may publish, call, and keep schedules; they cannot register or subscribe.
 *
 * ```ts
 * const module = new URL("./risky.ts", import.meta.url);
 * await runtime.registerFactory("risky", isolated({ module, export: "Risky" }));
 * ```
 *
 * @throws AgentrtError `INVALID_OPTION`; `NEEDS_BUN` where there are no threads for it
 */
export function isolated({ module, export: name, ...limits }: IsolateOptions): AgentFactory {
  const isUrl = module instanceof URL || (module.includes("://") && !isAbsolute(module));
  const url = isUrl ? module : pathToFileURL(module);
  return isolatedFactory({ module: url.toString(), export: name }, limits);
}

/** As `isolated`, also of code that is not to be read again. */
export function isolatedFactory(agent: IsolatedModule, input: IsolateLimits): AgentFactory {
  const threads = new IsolatedThreads(agent, threadLimits(input), assertThreads());
  const factory: AgentFactory = async (id, runtime) =>
    await IsolatedAgent.make(id, runtime, threads);
  isolatedFactories.add(factory);
  return factory;
}

export function isIsolated(factory: AgentFactory): boolean {
  return isolatedFactories.has(factory);
}

/**
 * A type that shall be isolated must be: that it is not would be seen when it is too late.
 * @throws AgentrtError `INVALID_OPTION`; `NEEDS_BUN` where there are no threads for it
 */
export function assertIsolated(type: string, factory: AgentFactory): void {
  if (!isIsolated(factory)) {
    assertThreads();
    throw new AgentrtError(
      "INVALID_OPTION",
      `Agent type ${type} shall be isolated, and a thread needs the file that it comes from. Run the file by agentrt --agent, register isolated({ module, export }), or say isolate: false, as in a test.`,
      { data: { option: "isolate", agentType: type } },
    );
  }
}

function assertThreads(): string {
  const entry = threadEntry();
  if (entry === undefined) {
    throw new AgentrtError(
      "NEEDS_BUN",
      "Isolated agents need threads of Bun. Run them in the agentrt program, or with the agentrt package under Bun, or say isolate: false to have them beside all others, as in a test.",
    );
  }
  return entry;
}

/** @throws AgentrtError `INVALID_OPTION` */
function threadLimits({ unresponsiveAfterMs, maxMemoryBytes }: IsolateLimits): ThreadLimits {
  return {
    unresponsiveAfterMs: wholeNumber(
      "unresponsiveAfterMs",
      unresponsiveAfterMs,
      5_000,
      10,
      2 ** 31 - 1,
    ),
    maxMemoryBytes: wholeNumber("maxMemoryBytes", maxMemoryBytes, 512 * 2 ** 20, 2 ** 20),
  };
}
