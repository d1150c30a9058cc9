import { dirname } from "node:path";
import * as v from "valibot";
import mqttPackage from "./peers/mqtt/package.json";
import natsPackage from "./peers/nats/package.json";

/** Paths and commands that `run.sh` has made ready. */
export interface Tools {
  readonly repository: string;
  readonly bun: string;
  readonly agentrt: string;
  readonly natsServer: string;
  readonly mosquitto: string;
  readonly python: string;
}

/** The versions that the report names. */
export interface Versions {
  readonly agentrt: string;
  readonly natsServer: string;
  readonly natsClient: string;
  readonly mosquitto: string;
  readonly mqttClient: string;
  readonly python: string;
  readonly autogen: string;
  readonly grpcio: string;
}

/** What `run.sh` has made ready, from the environment. @throws Error when it was not started by it */
export function findTools(): Tools {
  return {
    repository: dirname(import.meta.dir),
    bun: process.execPath,
    agentrt: fromEnvironment("BENCH_AGENTRT"),
    natsServer: fromEnvironment("BENCH_NATS_SERVER"),
    mosquitto: fromEnvironment("BENCH_MOSQUITTO"),
    python: fromEnvironment("BENCH_PYTHON"),
  };
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set. Start the benchmark with bench/run.sh, which sets it.`);
  }
  return value;
}

const PythonVersions = v.object({ python: v.string(), autogen: v.string(), grpcio: v.string() });

const ASK_PYTHON = `
import importlib.metadata, json, platform
print(json.dumps({
    "python": platform.python_version(),
    "autogen": importlib.metadata.version("autogen-ext"),
    "grpcio": importlib.metadata.version("grpcio"),
}))`;

/** Asks each tool for its version. @throws Error when one cannot be run */
export async function askVersions(tools: Tools): Promise<Versions> {
  const [agentrt, natsServer, mosquitto, python] = await Promise.all([
    outputOf([tools.agentrt, "--version"]),
    outputOf([tools.natsServer, "--version"]),
    // It has no flag for its version alone, and its help ends with 3.
    outputOf([tools.mosquitto, "-h"], 3),
    outputOf([tools.python, "-c", ASK_PYTHON]),
  ]);
  return {
    agentrt: agentrt.replace(/^agentrt\s+/, ""),
    natsServer: natsServer.replace(/^nats-server:\s*/, ""),
    natsClient: natsPackage.dependencies["@nats-io/transport-node"],
    mosquitto: /^mosquitto version (\S+)/m.exec(mosquitto)?.[1] ?? "of unknown version",
    mqttClient: mqttPackage.dependencies.mqtt,
    ...v.parse(PythonVersions, JSON.parse(python)),
  };
}

async function outputOf(command: readonly string[], wantedCode = 0): Promise<string> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const exitCode = await child.exited;
  if (exitCode !== wantedCode) {
    throw new Error(`${command[0]} ended with exit code ${exitCode} when asked for its version`);
  }
  return text.trim();
}
