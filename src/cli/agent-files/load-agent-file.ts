import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type DeclaredAgent, declaredAgent } from "../../core/declared-agent.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { importInPlaceOf, installApi } from "../../user-module.ts";
import { type IsolateLimits, isolatedFactory } from "../../worker/isolation/isolated-factory.ts";
import { type AgentBundle, brokenFile, checkAgentFile } from "./bundle-agent-file.ts";

/** Less than what stopping may take, so that a worker that is told to stop meanwhile does so in order. */
const LOAD_TIMEOUT_MS = 5_000;

/**
 * The agents that a file exports, under any name or as the default. Those with the option `isolate`
 * run in a thread of their own, which loads the file again.
 * @param file an absolute path
 * @throws AgentrtError `AGENT_FILE_BROKEN`, with file, and line and column where they are known
 */
export async function loadAgentFile(
  file: string,
  isolate: IsolateLimits,
): Promise<readonly DeclaredAgent[]> {
  installApi();
  await checkAgentFile(file);
  return await agentsOf(file, async () => await import(file), isolate, undefined);
}

/**
 * As `loadAgentFile`, but from a bundle of what the file and its relative imports hold now, however
 * often they were loaded before.
 * @param mayBeWithout when true, a file that exports no agent is no broken one
 */
export async function loadAgentBundle(
  file: string,
  bundle: AgentBundle,
  isolate: IsolateLimits,
  { mayBeWithout = false } = {},
): Promise<readonly DeclaredAgent[]> {
  installApi();
  const load = async (): Promise<unknown> => await importInPlaceOf(file, bundle.code);
  return await agentsOf(file, load, isolate, bundle.code, mayBeWithout);
}

async function agentsOf(
  file: string,
  importFile: () => Promise<unknown>,
  isolate: IsolateLimits,
  code: string | undefined,
  mayBeWithout = false,
): Promise<readonly DeclaredAgent[]> {
  let module: unknown;
  try {
    module = await inTime(importFile());
  } catch (error) {
    throw brokenFile(file, problemOf(error), positionOf(error, file), error);
  }
  const agents = new Map<unknown, DeclaredAgent>();
  for (const [name, value] of Object.entries(module ?? {})) {
    try {
      const agent = declaredAgent(value);
      if (agent !== undefined) {
        const where = { module: pathToFileURL(file).href, export: name, code };
        agents.set(
          value,
          agent.options.isolate === true
            ? { ...agent, factory: isolatedFactory(where, isolate) }
            : agent,
        );
      }
    } catch (error) {
      throw brokenFile(file, `export ${name}: ${messageOf(error)}`, undefined, error);
    }
  }
  if (agents.size === 0 && !mayBeWithout) {
    throw brokenFile(
      file,
      "it exports no agent. Export what defineAgent({ type, … }) returns, or a class that extends RoutedAgent and has a static agentType.",
    );
  }
  return [...agents.values()];
}

/** One file that never gets ready shall not keep the others from running. */
async function inTime<T>(loading: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const text = `it was not loaded within ${LOAD_TIMEOUT_MS / 1_000} s. Let no await outside of functions wait so long.`;
    reject(new AgentrtError("AGENT_FILE_BROKEN", text));
  }, LOAD_TIMEOUT_MS);
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

function problemOf(error: unknown): string {
  const name = error instanceof Error && !(error instanceof AgentrtError) ? `${error.name}: ` : "";
  return `${name}${messageOf(error)}`;
}

/** Where in the user's own code it was thrown: the topmost line of the stack that is not ours or a package's. */
function positionOf(
  error: unknown,
  file: string,
): { file: string; line: number; column: number } | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const [, path, line, column] of stack.matchAll(/[( ](\/?[^\s()]+):(\d+):(\d+)\)?$/gm)) {
    // Inside of the program our own sources have relative paths.
    const isTheirs = path !== undefined && isAbsolute(path) && !/node_modules|\$bunfs/.test(path);
    if (isTheirs) {
      return { file: ownPath(path, file), line: Number(line), column: Number(column) };
    }
  }
  return undefined;
}

/**
 * A stack names a copy by a path below the file's folder. A source of a bundle stands in its map by the path from
 * where the program runs, and in a stack as if that began at the file's folder.
 */
function ownPath(path: string, file: string): string {
  const folder = dirname(file);
  const doubled = `${folder}${folder}`;
  if (path.startsWith(doubled)) {
    return path.slice(folder.length);
  }
  const fromHere = resolve(relative(folder, path));
  return !existsSync(path) && existsSync(fromHere) ? fromHere : path;
}
