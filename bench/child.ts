import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as v from "valibot";
import { type Command, Line } from "./peers/command-lines.ts";

/** Clock ticks a second in /proc/PID/stat: fixed in Linux's interface to programs (proc(5), sysconf(3)). */
const TICKS_PER_SECOND = 100;
const STOP_LIMIT_MS = 3_000;
/** How much of a program's error output a failure shows. */
const ERROR_TAIL_CHARACTERS = 2_000;

type LineOf<E extends Line["event"]> = Extract<Line, { event: E }>;

export interface ChildOptions {
  /** Whose program it is, for error texts. */
  readonly system: string;
  readonly role: string;
  readonly command: readonly string[];
  readonly folder: string;
  /** Whether it obeys and answers by lines of JSON; a host does not. */
  readonly hasJsonLines: boolean;
}

/** One program of the benchmark: started, commanded by JSON lines, watched, and surely ended. */
export class Child {
  readonly name: string;
  /** What it is in the report, such as `host`; several may be the same. */
  readonly role: string;
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: Line[] = [];
  readonly #waiters = new Set<() => void>();
  #errorTail = "";
  #state: "running" | "stopping" | "ended" = "running";

  constructor({ system, role, command, folder, hasJsonLines }: ChildOptions) {
    this.name = `${system}: ${role}`;
    this.role = role;
    this.#process = Bun.spawn([...command], {
      cwd: folder,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, PYTHONUNBUFFERED: "1" },
    });
    void this.#collectErrors();
    void this.#collectLines(hasJsonLines);
    void this.#process.exited.then(() => {
      this.#state = "ended";
      this.#wakeAll();
    });
  }

  send(command: Command): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    this.#process.stdin.flush();
  }

  /** The next line of this event. @throws Error when the program ends or takes too long. */
  async next<E extends Line["event"]>(event: E, limitMs: number): Promise<LineOf<E>> {
    const line = await this.nextOf([event], limitMs);
    if (line === undefined) {
      throw this.failure(`said no "${event}" within ${limitMs} ms`);
    }
    return line;
  }

  /** The next line of one of these events; undefined when the time is over. Other lines stay for who waits for them. */
  async nextOf<E extends Line["event"]>(
    events: readonly E[],
    limitMs: number,
  ): Promise<LineOf<E> | undefined> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const index = this.#lines.findIndex(({ event }) => events.some((wanted) => wanted === event));
      if (index >= 0) {
        return this.#lines.splice(index, 1)[0] as LineOf<E>;
      }
      if (this.#state !== "running") {
        throw this.failure(`ended before it said "${events.join('" or "')}"`);
      }
      const remainingMs = deadline - performance.now();
      if (remainingMs <= 0) {
        return undefined;
      }
      await this.#somethingNew(remainingMs);
    }
  }

  /** Processor seconds used so far, user and system, all threads. */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#process.pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold spaces; proc(5) numbers utime 14 and stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Memory that it holds now, in bytes (resident set size). */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#process.pid}/status`, "utf8");
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kib === undefined) {
      throw this.failure("has no resident memory, so it has ended");
    }
    return Number(kib) * 1024;
  }

  /** Asks the program to end, then ends it. */
  async stop(): Promise<void> {
    if (this.#state === "running") {
      this.#state = "stopping";
      this.#process.stdin.end();
      this.#process.kill("SIGTERM");
    }
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_LIMIT_MS);
    await this.#process.exited;
    clearTimeout(timer);
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  failure(what: string): Error {
    return new Error(`${this.name} ${what}. Its last words: ${this.#errorTail.trim() || "(none)"}`);
  }

  async #somethingNew(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#waiters.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiters.delete(resolve);
  }

  #wakeAll(): void {
    for (const wake of this.#waiters) {
      wake();
    }
  }

  async #collectErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      const text = this.#errorTail + decoder.decode(chunk, { stream: true });
      this.#errorTail = text.slice(-ERROR_TAIL_CHARACTERS);
    }
  }

  async #collectLines(hasJsonLines: boolean): Promise<void> {
    // Read even where nothing is expected: a full pipe would stop the program.
    for await (const text of createInterface({ input: Readable.fromWeb(this.#process.stdout) })) {
      if (hasJsonLines) {
        this.#lines.push(v.parse(Line, JSON.parse(text)));
        this.#wakeAll();
      }
    }
  }
}
