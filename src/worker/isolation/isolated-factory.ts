import { pathToFileURL } from "node:url";
import type { AgentFactory } from "../../core/agent.ts";
import { AgentrtError } from "../../core/errors.ts";
import { wholeNumber } from "../option-values.ts";
import { IsolatedAgent } from "./isolated-agent.ts";
import { IsolatedThreads } from "./isolated-threads.ts";

export interface IsolateOptions {
  /** The file with the agent: a URL such as `new URL("./agent.ts", import.meta.url)`, or a path. */
  readonly module: URL | string;
  /** What it exports: a factory (`defineAgent`), or a class of `RoutedAgent` without parameters. */
  readonly export: string;
  /** A thread whose event loop does not turn for so long, in milliseconds, is ended. Default: 5,000. */
  readonly unresponsiveAfterMs?: number | undefined;
}

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
 * @throws AgentrtError `INVALID_OPTION`, also where there are no Bun Workers
 */
export function isolated(options: IsolateOptions): AgentFactory {
  const unresponsiveAfterMs = wholeNumber(
    "unresponsiveAfterMs",
    options.unresponsiveAfterMs,
    5_000,
    10,
    2 ** 31 - 1,
  );
  if (typeof Bun === "undefined") {
    throw new AgentrtError("INVALID_OPTION", "Isolated agents need Bun, or the agentrt program.");
  }
  const { module, export: name } = options;
  const url = module instanceof URL || module.includes("://") ? module : pathToFileURL(module);
  const threads = new IsolatedThreads(
    { module: url.toString(), export: name },
    unresponsiveAfterMs,
  );
  return (id) => new IsolatedAgent(id, threads);
}
