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

/** One program of the benchmark: started, commanded by JSON lines, watched, and surely ended. */
export class Child {
  readonly name: string;
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: Line[] = [];
  #wake: (() => void) | undefined;
  #errorTail = "";
  #state: "running" | "stopping" | "ended" = "running";

  constructor(name: string, command: readonly string[], folder: string, hasJsonLines: boolean) {
    this.name = name;
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
      this.#wake?.();
    });
  }

  send(command: Command): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    this.#process.stdin.flush();
  }

  /** The next line, which must be this event. @throws Error when the program ends, says another event, or takes too long. */
  async next<E extends Line["event"]>(event: E, limitMs: number): Promise<LineOf<E>> {
    const line = await this.nextOf([event], limitMs);
    if (line === undefined) {
      throw this.failure(`said no "${event}" within ${limitMs} ms`);
    }
    return line;
  }

  /** The next line, which must be one of these events; undefined when the time is over. */
  async nextOf<E extends Line["event"]>(
    events: readonly E[],
    limitMs: number,
  ): Promise<LineOf<E> | undefined> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const line = this.#lines.shift();
      const event = events.find((candidate) => candidate === line?.event);
      if (line !== undefined && event !== undefined) {
        return line as LineOf<E>;
      }
      if (line !== undefined) {
        throw this.failure(`said "${line.event}" instead of "${events.join('" or "')}"`);
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
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
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
        this.#wake?.();
      }
    }
  }
}
