/** The processes of a run, each of which can be killed, stopped, paused and started again. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostReport } from "agentrt";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt, startProcess } from "../kit/process.ts";
import type { Random } from "../kit/random.ts";
import { waitFor } from "../kit/wait.ts";
import { FaultyLink } from "./faulty-link.ts";
import type { ProcessChanged } from "./history.ts";
import { HistoryFile } from "./history-file.ts";
import { HostDisk } from "./host-disk.ts";
import { argumentsFor } from "./program-arguments.ts";

export const PUBLISHERS = ["p1", "p2"] as const;
export const SUBSCRIBER_PROCESSES = ["s1", "s2", "s3"] as const;
export const WORKERS = [...SUBSCRIBER_PROCESSES, ...PUBLISHERS] as const;
export type WorkerName = (typeof WORKERS)[number];
export type ProcessName = WorkerName | "host";

const READY_MS = 60_000;

interface Life {
  readonly name: string;
  readonly role: ProcessChanged["role"];
  readonly process: AgentrtProcess;
  /** Set before it is ended on purpose. */
  isMeantToEnd: boolean;
}

export interface WorldOptions {
  /** Holds the history, and the data folders. */
  readonly folder: string;
  readonly random: Random;
}

export class World implements AsyncDisposable {
  readonly history: string;
  readonly disk: HostDisk;
  readonly file: HistoryFile;
  readonly links: ReadonlyMap<WorkerName, FaultyLink>;
  readonly #options: WorldOptions;
  readonly #port: number;
  readonly #httpPort: number;
  readonly #lives = new Map<ProcessName, Life>();
  readonly #lifeNumbers = new Map<ProcessName, number>();

  private constructor(
    options: WorldOptions,
    [port, httpPort]: readonly [number, number],
    links: ReadonlyMap<WorkerName, FaultyLink>,
  ) {
    this.#options = options;
    this.#port = port;
    this.#httpPort = httpPort;
    this.links = links;
    this.history = join(options.folder, "history");
    this.disk = new HostDisk(join(options.folder, "host"));
    mkdirSync(this.history, { recursive: true });
    this.file = new HistoryFile(this.history, "run");
  }

  static async make(options: WorldOptions): Promise<World> {
    const [port, httpPort] = [await freePort(), await freePort()];
    const links = new Map<WorkerName, FaultyLink>();
    for (const name of WORKERS) {
      links.set(name, await FaultyLink.open(port));
    }
    return new World(options, [port, httpPort], links);
  }

  get hostAddress(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The name of the life of now. */
  lifeOf(name: ProcessName): string {
    return this.#life(name).name;
  }

  isRunning(name: ProcessName): boolean {
    return this.#lives.get(name)?.process.isRunning === true;
  }

  link(name: WorkerName): FaultyLink {
    const link = this.links.get(name);
    if (link === undefined) {
      throw new Error(`There is no link of ${name}.`);
    }
    return link;
  }

  async report(): Promise<HostReport> {
    const answer = await fetch(`http://127.0.0.1:${this.#httpPort}/api/status`);
    return (await answer.json()) as HostReport;
  }

  /** Starts it, and waits until it is ready: a host that listens, a worker with all its agents registered. */
  async start(name: ProcessName): Promise<void> {
    if (name === "host") {
      await this.#startHost();
    } else {
      await this.#startWorker(name);
    }
  }

  /** @param hasPower false when the host's disk loses its power, too; see {@link disk} */
  async kill(name: ProcessName, hasPower = true): Promise<void> {
    const life = this.#life(name);
    life.isMeantToEnd = true;
    // Noted before, since what it does until then may be its last.
    this.#note(life, "killed");
    await life.process.kill();
    this.#keepOutput(life);
    if (name === "host" && hasPower) {
      this.disk.ended();
    }
  }

  /** Asks it to end, and waits. */
  async stop(name: ProcessName, timeoutMs = READY_MS): Promise<number> {
    const life = this.#life(name);
    life.isMeantToEnd = true;
    const code = await life.process.stop("SIGTERM", timeoutMs);
    this.#note(life, code === 0 ? "stopped" : "died");
    this.#keepOutput(life);
    if (name === "host") {
      this.disk.ended();
    }
    return code;
  }

  signal(name: ProcessName, signal: NodeJS.Signals): void {
    this.#life(name).process.signal(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const life of this.#lives.values()) {
      life.isMeantToEnd = true;
      if (life.process.isRunning) {
        await life.process.kill();
      }
      this.#keepOutput(life);
    }
    for (const link of this.links.values()) {
      await link[Symbol.asyncDispose]();
    }
    this.file[Symbol.dispose]();
  }

  async #startHost(): Promise<void> {
    const process = startAgentrt(
      [
        ...["--role=host", `--listen=${this.hostAddress}`, `--http=127.0.0.1:${this.#httpPort}`],
        ...[`--data=${this.disk.data}`, "--durable-topics=d.*", "--durable-max-deliver=3"],
      ],
      { env: this.disk.environment },
    );
    const life = this.#begin("host", "host", process);
    await process.waitForLog("host ready", READY_MS);
    this.#note(life, "started");
  }

  async #startWorker(name: WorkerName): Promise<void> {
    const role = (PUBLISHERS as readonly string[]).includes(name) ? "publisher" : "subscriber";
    const number = (this.#lifeNumbers.get(name) ?? 0) + 1;
    const process = startProcess([
      globalThis.process.execPath,
      join(import.meta.dir, `${role}-program.ts`),
      ...argumentsFor({
        name,
        process: `${name}.${number}`,
        hostAddress: this.link(name).address,
        history: this.history,
        data: join(this.#options.folder, name),
        seed: Math.floor(this.#options.random() * 2 ** 31),
      }),
    ]);
    const life = this.#begin(name, role, process);
    await process.waitForStdout("ready", READY_MS);
    this.#note(life, "started");
  }

  #begin(name: ProcessName, role: Life["role"], process: AgentrtProcess): Life {
    const number = (this.#lifeNumbers.get(name) ?? 0) + 1;
    this.#lifeNumbers.set(name, number);
    const life = { name: `${name}.${number}`, role, process, isMeantToEnd: false };
    this.#lives.set(name, life);
    void process.exited.then(() => {
      if (!life.isMeantToEnd) {
        this.#note(life, "died");
        this.#keepOutput(life);
      }
    });
    return life;
  }

  #note({ name, role }: Life, change: ProcessChanged["change"]): void {
    this.file.note({ kind: "process", process: name, role, change });
  }

  #life(name: ProcessName): Life {
    const life = this.#lives.get(name);
    if (life === undefined) {
      throw new Error(`${name} was not started.`);
    }
    return life;
  }

  /** For whoever looks for the cause of a violation. */
  #keepOutput({ name, process }: Life): void {
    writeFileSync(join(this.history, `${name}.log`), `${process.stdout}\n${process.stderr}`);
  }
}

/** Waits until the host says so of itself. */
export async function untilReport(
  world: World,
  isSo: (report: HostReport) => boolean,
  what: string,
): Promise<void> {
  await waitFor(async () => isSo(await world.report()), { what, timeoutMs: READY_MS });
}
