import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { Child } from "./child.ts";
import { Unavailable } from "./results.ts";
import type { System } from "./systems.ts";

export const START_LIMIT_MS = 30_000;

/** In the repository: what hosts store while they are measured. */
export const DATA_FOLDER = ".build/bench";

export interface StageOptions {
  /** Where the programs run. */
  readonly repository: string;
  /** Told of every program as it starts, so that an interrupted run can end it. */
  readonly onStart: (child: Child) => void;
}

/** A host that listens, and where. */
export interface RunningHost {
  readonly system: System;
  readonly child: Child;
  readonly address: string;
}

/** The processes of one measurement: started afresh, and surely ended. */
export class Stage implements AsyncDisposable {
  readonly #options: StageOptions;
  readonly #children: Child[] = [];
  readonly #folders: string[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
  }

  async startHost(system: System): Promise<RunningHost> {
    const port = await freePort();
    const folder = await this.makeFolder();
    const place = { port, folder };
    for (const [name, text] of Object.entries(system.files?.(place) ?? {})) {
      await writeFile(join(folder, name), text);
    }
    const command = [...system.hostCommand(place), ...(system.quietFlags ?? [])];
    const child = this.#start(system, "host", command, false);
    await untilListening(child, port);
    return { system, child, address: `127.0.0.1:${port}` };
  }

  /** Starts one of the system's programs, and waits until it is ready. @throws Unavailable when it says so */
  async startProgram(
    host: RunningHost,
    { role, program, flags = [] }: { role: string; program: string; flags?: readonly string[] },
  ): Promise<Child> {
    const command = [...host.system.program(program), "--address", host.address, ...flags];
    const child = this.#start(host.system, role, command, true);
    const line = await child.nextOf(["ready", "unavailable"], START_LIMIT_MS);
    if (line === undefined) {
      throw child.failure(`was not ready within ${START_LIMIT_MS} ms`);
    }
    if (line.event === "unavailable") {
      throw new Unavailable(line.reason);
    }
    return child;
  }

  /** On the disk of the repository: a folder for temporary files may be memory. */
  async makeFolder(): Promise<string> {
    const parent = join(this.#options.repository, DATA_FOLDER);
    await mkdir(parent, { recursive: true });
    const folder = await mkdtemp(join(parent, "data-"));
    this.#folders.push(folder);
    return folder;
  }

  /** Processor seconds of all processes so far, by role. */
  async cpu(): Promise<Readonly<Record<string, number>>> {
    const seconds = await Promise.all(this.#children.map(async (child) => child.cpuSeconds()));
    const byRole: Record<string, number> = {};
    for (const [index, child] of this.#children.entries()) {
      byRole[child.role] = (byRole[child.role] ?? 0) + (seconds[index] ?? 0);
    }
    return byRole;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.toReversed().map(async (child) => await child.stop()));
    await Promise.all(
      this.#folders.map(async (folder) => await rm(folder, { recursive: true, force: true })),
    );
  }

  #start(system: System, role: string, command: readonly string[], hasJsonLines: boolean): Child {
    const folder = this.#options.repository;
    const child = new Child({ system: system.name, role, command, folder, hasJsonLines });
    this.#children.push(child);
    this.#options.onStart(child);
    return child;
  }
}

export function cpuBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(after).map(([role, seconds]) => [role, seconds - (before[role] ?? 0)]),
  );
}

export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") {
    throw new Error("a socket on 127.0.0.1 has no port");
  }
  return address.port;
}

async function untilListening(host: Child, port: number): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await canConnect(port))) {
    if (!host.isRunning) {
      throw host.failure("ended before it listened");
    }
    if (performance.now() > deadline) {
      throw host.failure(`did not listen within ${START_LIMIT_MS} ms`);
    }
    await Bun.sleep(20);
  }
}

function canConnect(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
