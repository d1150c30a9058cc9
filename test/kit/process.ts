import { existsSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { type LogRecord, parseLogLine } from "./log-record.ts";
import { within } from "./within.ts";

/** What a started process gets beside its command. */
export interface ProcessOptions {
  /** Added to the environment, which is the test's own without any `AGENTRT_…`; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** What {@link AgentrtProcess.waitForLog} looks for: a message's exact text, or anything about a record. */
export type LogMatch = string | ((record: LogRecord) => boolean);

const DEFAULT_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 5_000;
const SHOWN_OUTPUT_CHARACTERS = 4_000;
const repositoryRoot = resolve(import.meta.dir, "../..");

/**
 * The program under test: `AGENTRT_BIN`, or `dist/agentrt` of this repository.
 * @throws Error when it was not built
 */
export function agentrtBinary(): string {
  const path = process.env["AGENTRT_BIN"] ?? resolve(repositoryRoot, "dist/agentrt");
  if (!existsSync(path)) {
    throw new Error(`${path} does not exist. Build it with scripts/build.sh.`);
  }
  return path;
}

/**
 * Starts the compiled program. Declare it with `await using`, and it is gone when the test ends,
 * however the test ends.
 *
 * @example
 * await using host = startAgentrt(["--role", "host", "--listen", "127.0.0.1:0", "--http", "off"]);
 * const ready = await host.waitForLog("host ready");
 * const listen = String(ready.properties["listen"]);
 */
export function startAgentrt(
  args: readonly string[],
  options: ProcessOptions = {},
): AgentrtProcess {
  return startProcess([agentrtBinary(), ...args], {
    ...options,
    env: { AGENTRT_LOG_FORMAT: "json", ...options.env },
  });
}

/** Starts any other program (a Python worker, a script) with the same care. */
export function startProcess(
  command: readonly string[],
  options: ProcessOptions = {},
): AgentrtProcess {
  return new AgentrtProcess(command, options);
}

/** A running program, its output and its end. Nothing is dropped: tests are short. */
export class AgentrtProcess implements AsyncDisposable {
  readonly pid: number;
  /** Exit code; 128 + number when a signal ended it, as a shell has it. Settles after all output was read. */
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #command: string;
  readonly #logs: LogRecord[] = [];
  readonly #listeners = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  #hasEnded = false;

  constructor(command: readonly string[], options: ProcessOptions) {
    this.#command = command.join(" ");
    this.#child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: environmentFor(options.env ?? {}),
      cwd: options.cwd ?? repositoryRoot,
    });
    this.pid = this.#child.pid;
    this.exited = this.#follow();
  }

  /** Every log record so far, oldest first. */
  get logs(): readonly LogRecord[] {
    return this.#logs;
  }

  /** All of standard output so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** All of standard error so far, log records among it. */
  get stderr(): string {
    return this.#stderr;
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /**
   * The first log record that matches, of those that were written and those to come.
   * @param from how many of the oldest records to pass over; give `logs.length` to wait for a new one
   * @throws Error when the time is over or the process ends without it; the text shows the output
   */
  async waitForLog(match: LogMatch, timeoutMs = DEFAULT_TIMEOUT_MS, from = 0): Promise<LogRecord> {
    const isMatch =
      typeof match === "string" ? (record: LogRecord) => record.message === match : match;
    const what = typeof match === "string" ? `log record "${match}"` : "a log record";
    return await this.#waitForOutput(() => this.#logs.slice(from).find(isMatch), what, timeoutMs);
  }

  /** Waits until standard output holds a text, or fits a pattern. @throws Error as {@link waitForLog} */
  async waitForStdout(match: string | RegExp, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const isThere = () =>
      typeof match === "string" ? this.#stdout.includes(match) : match.test(this.#stdout);
    await this.#waitForOutput(
      () => isThere() || undefined,
      `${match} on standard output`,
      timeoutMs,
    );
  }

  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Asks the process to stop and waits for its end.
   * @returns the exit code
   * @throws Error when it has not ended in time; it is then killed
   */
  async stop(signal: NodeJS.Signals = "SIGTERM", timeoutMs = DEFAULT_TIMEOUT_MS): Promise<number> {
    this.signal(signal);
    return await this.waitForExit(timeoutMs);
  }

  /** Waits for the process to end by itself. @throws Error when it has not in time; it is then killed */
  async waitForExit(timeoutMs = DEFAULT_TIMEOUT_MS): Promise<number> {
    const end = await within(this.exited, timeoutMs);
    if (end === undefined) {
      await this.kill();
      throw new Error(
        `Waited ${timeoutMs} ms for the end of a process, then killed it.\n${this.#picture()}`,
      );
    }
    return end;
  }

  /** Ends the process at once (SIGKILL) and waits until it is gone. */
  async kill(): Promise<number> {
    this.#child.kill("SIGKILL");
    // Nothing survives SIGKILL; under load Bun now and then does not report the end of a killed child's pipe.
    return (await within(this.exited, KILL_TIMEOUT_MS)) ?? 128 + constants.signals.SIGKILL;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) {
      await this.kill();
    }
  }

  async #follow(): Promise<number> {
    await Promise.all([
      readAll(this.#child.stdout, (text) => {
        this.#stdout += text;
        this.#notify();
      }),
      this.#readLogs(),
    ]);
    await this.#child.exited;
    this.#hasEnded = true;
    this.#notify();
    return this.#child.exitCode ?? 128 + signalNumber(this.#child.signalCode);
  }

  async #readLogs(): Promise<void> {
    let rest = "";
    await readAll(this.#child.stderr, (text) => {
      this.#stderr += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const record = parseLogLine(line);
        if (record !== undefined) {
          this.#logs.push(record);
        }
      }
      this.#notify();
    });
  }

  #notify(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }

  #waitForOutput<T>(find: () => T | undefined, what: string, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timeout);
        this.#listeners.delete(look);
        settle();
      };
      const fail = (why: string) => finish(() => reject(new Error(`${why}\n${this.#picture()}`)));
      const look = () => {
        const found = find();
        if (found !== undefined) {
          finish(() => resolve(found));
        } else if (this.#hasEnded) {
          fail(`The process ended before ${what} came.`);
        }
      };
      const timeout = setTimeout(
        () => fail(`Waited ${timeoutMs} ms for ${what}, in vain.`),
        timeoutMs,
      );
      this.#listeners.add(look);
      look();
    });
  }

  #picture(): string {
    const end = this.isRunning
      ? "is running"
      : `ended with ${this.#child.exitCode ?? this.#child.signalCode}`;
    return [
      `${this.#command} (pid ${this.pid}) ${end}`,
      `--- stdout\n${this.#stdout.slice(-SHOWN_OUTPUT_CHARACTERS)}`,
      `--- stderr\n${this.#stderr.slice(-SHOWN_OUTPUT_CHARACTERS)}`,
    ].join("\n");
  }
}

async function readAll(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    take(decoder.decode(chunk, { stream: true }));
  }
}

/** A developer's own `AGENTRT_…` settings must not change what a test sees. */
export function environmentFor(
  extra: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AGENTRT_"));
  return { ...Object.fromEntries(inherited), ...extra };
}

/** Bun names a signal that it knows and gives the number of any other. */
function signalNumber(signal: NodeJS.Signals | number | null): number {
  return typeof signal === "string" ? constants.signals[signal] : (signal ?? 0);
}
