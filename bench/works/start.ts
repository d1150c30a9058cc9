import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { freePort, type Stage } from "../stage.ts";
import { medianOf } from "../statistics.ts";
import type { System } from "../systems.ts";
import { type Candidate, type MakeWorks, scaled } from "./work.ts";

const START_LIMIT_MS = 30_000;
const TIMES = 10;

/** From the start of the process to its line that it is ready, and a program that only says its version. */
const starting = (system: System, versionCommand: readonly string[]): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const times = scaled(context, TIMES, 1);
    const readyMs: number[] = [];
    const versionMs: number[] = [];
    // The first one finds its file on a cold disk.
    for (let n = -1; n < times; n += 1) {
      const ready = await timeToReady(context.stage, system);
      const version = await timeToEnd(versionCommand);
      if (n >= 0) {
        readyMs.push(ready);
        versionMs.push(version);
      }
    }
    const values = { readyMs: medianOf(readyMs), versionMs: medianOf(versionMs) };
    return { values, cpu: {}, messages: 0 };
  },
});

async function timeToReady(stage: Stage, system: System): Promise<number> {
  const place = { port: await freePort(), folder: await stage.makeFolder() };
  const began = performance.now();
  const child = Bun.spawn([...system.hostCommand(place)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
  try {
    for await (const line of createInterface({ input: Readable.fromWeb(child.stderr) })) {
      if (line.includes(system.readyText)) {
        return performance.now() - began;
      }
    }
    throw new Error(
      `${system.name} ended before it was ready, or was not within ${START_LIMIT_MS} ms`,
    );
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    await child.exited;
  }
}

async function timeToEnd(command: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  await child.exited;
  return performance.now() - began;
}

export const startWorks: MakeWorks = ({ agentrt, nats }, tools) => [
  {
    id: "start",
    group: "start",
    title: "Start: from exec to ready, and --version",
    metrics: [
      { id: "readyMs", title: "host ready, ms", format: "decimal" },
      { id: "versionMs", title: "--version, ms", format: "decimal" },
    ],
    candidates: [
      starting(agentrt, [tools.agentrt, "--version"]),
      starting(nats, [tools.natsServer, "--version"]),
    ],
  },
];
