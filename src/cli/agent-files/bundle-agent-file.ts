import { dirname, isAbsolute, resolve, sep } from "node:path";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { API, API_NAME } from "../../user-module.ts";

/** The parts of Bun's build messages that tell a person where to look. */
interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A file of agents and what it imports by relative path, as one module. */
export interface AgentBundle {
  readonly code: string;
  /** The files that it was made of, absolute. */
  readonly sources: readonly string[];
}

/**
 * A file of agents and all that it imports by relative path, as one module; packages stay imports.
 * With it everything that can be known before the code runs is checked: syntax, files and packages
 * that are missing, names that a file or the API does not export.
 * @throws AgentrtError `AGENT_FILE_BROKEN` with file, line and column
 */
export async function bundleAgentFile(file: string): Promise<AgentBundle> {
  await build(file, checkedApi);
  // The names were checked; now the API has to stay an import, so that it is the program's own.
  return await build(file, externalApi);
}

/** Finds nothing wrong, or throws as `bundleAgentFile`. */
export async function checkAgentFile(file: string): Promise<void> {
  await build(file, checkedApi);
}

async function build(file: string, api: Bun.BunPlugin): Promise<AgentBundle> {
  const { success, logs, outputs, metafile } = await Bun.build({
    entrypoints: [file],
    root: dirname(file),
    target: "bun",
    sourcemap: "inline",
    metafile: true,
    plugins: [api, packagesStayOutside],
    throw: false,
  }).catch((error: unknown) => {
    throw brokenFile(file, messageOf(error), undefined, error);
  });
  const [output] = outputs;
  if (success && output !== undefined) {
    const sources = Object.keys(metafile?.inputs ?? {}).filter((name) => !/^[\w-]{2,}:/.test(name));
    return {
      code: await output.text(),
      sources: sources.map((name) => (isAbsolute(name) ? name : resolve(name))),
    };
  }
  const problem = logs.find((log) => log.level === "error") ?? logs[0];
  throw brokenFile(
    file,
    sentenceOf(problem?.message ?? "it cannot be built"),
    problem?.position ?? undefined,
    problem,
  );
}

/** The API as a module that holds nothing but its names. */
const checkedApi: Bun.BunPlugin = {
  name: "agentrt-names",
  setup(build) {
    build.onResolve({ filter: /^agentrt$/ }, () => ({ path: API_NAME, namespace: "agentrt-api" }));
    build.onLoad({ filter: /./, namespace: "agentrt-api" }, () => ({
      contents: Object.keys(API)
        .map((name) => `export const ${name} = undefined;`)
        .join("\n"),
      loader: "js",
    }));
  },
};

const externalApi: Bun.BunPlugin = {
  name: "agentrt-outside",
  setup(build) {
    build.onResolve({ filter: /^agentrt$/ }, () => ({ path: API_NAME, external: true }));
  },
};

/**
 * A package that is there is not looked into; one that is not is left to the bundler to report.
 * What leads to the user's own sources, by `paths` of a tsconfig.json or in a workspace, is taken
 * in like a relative import.
 */
const packagesStayOutside: Bun.BunPlugin = {
  name: "packages-outside",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
      if (importer === "" || path === API_NAME) {
        return undefined;
      }
      return isPackage(path, dirname(importer)) ? { path, external: true } : undefined;
    });
  },
};

function isPackage(specifier: string, folder: string): boolean {
  try {
    const found = Bun.resolveSync(specifier, folder);
    // What the runtime itself brings has no path.
    return !isAbsolute(found) || found.split(sep).includes("node_modules");
  } catch {
    // Asked only whether: the bundler finds the same, and says where.
    return false;
  }
}

/** The one error of this room: what is wrong, and where, as editors and terminals link it. */
export function brokenFile(
  file: string,
  problem: string,
  position?: Position,
  cause?: unknown,
): AgentrtError {
  const where =
    position === undefined
      ? file
      : `${position.file === "" ? file : position.file}:${position.line}:${position.column}`;
  return new AgentrtError("AGENT_FILE_BROKEN", `${where}: ${problem}`, {
    cause,
    data: {
      file: position?.file ?? file,
      ...(position === undefined ? {} : { line: position.line, column: position.column }),
    },
  });
}

function sentenceOf(message: string): string {
  return message
    .replace(/ in "agentrt-api:agentrt"/, ' in "agentrt"')
    .replace(/ Maybe you need to "bun install"\?/, " Install the package beside the file.");
}
