import { existsSync } from "node:fs";
import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../../core/errors.ts";
import type { FromThread, IsolatedModule, ToThread } from "./thread-messages.ts";

const logger = getLogger(["agentrt", "worker"]);

/** Questions without an answer before a thread may be taken to hang: this process may have stood still itself. */
const MIN_UNANSWERED = 4;
/** The same before what the process takes more is put down to the thread. */
const SILENT_UNANSWERED = 2;
/** How long a thread may take to load the API and the user's file, at least; a busy machine needs some time. */
const OPENING_MS = 10_000;
/** A thread that allocates in a loop takes gigabytes in a second, so it is looked at often. */
const LOOK_EVERY_MS = 100;

export interface ThreadLimits {
  /** A thread that does not answer for so long, in milliseconds, is ended. */
  readonly unresponsiveAfterMs: number;
  /** A thread whose objects take more is ended, in bytes. */
  readonly maxMemoryBytes: number;
}

export interface ThreadOptions {
  /** What the thread runs. */
  readonly entry: string;
  readonly agent: IsolatedModule;
  readonly limits: ThreadLimits;
  readonly onMessage: (message: FromThread) => void;
  /** Called once; the thread is over. */
  readonly onEnd: (reason: AgentrtError) => void;
}

/** A thread that is watched: one whose event loop hangs, or that takes too much memory, is ended. */
export class Thread {
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #watch: ReturnType<typeof setInterval>;
  #lastSeenMs = performance.now();
  /** What the whole process took then. */
  #lastSeenBytes = process.memoryUsage.rss();
  #unanswered = 0;
  #isOpening = true;
  #isOver = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.entry);
    this.#worker.onmessage = (event: MessageEvent<FromThread>) => this.#take(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.fail(`it failed outside of a handler: ${lastLineOf(event.message)}`);
    };
    this.#worker.addEventListener("close", (event) => {
      this.fail(`it left by itself, with code ${event.code}. Was process.exit() called?`);
    });
    const everyMs = Math.min(
      LOOK_EVERY_MS,
      Math.ceil(options.limits.unresponsiveAfterMs / MIN_UNANSWERED),
    );
    this.#watch = setInterval(() => this.#look(), everyMs);
    this.post({ kind: "open", agent: options.agent });
  }

  post(message: ToThread): void {
    if (!this.#isOver) {
      this.#worker.postMessage(message);
    }
  }

  /** Ends it at once, whatever it does, with `HANDLER_FAILED` for what it was doing. */
  fail(why: string): void {
    if (!this.#isOver) {
      const { module, export: name } = this.#options.agent;
      logger.error("the thread of an isolated agent type was ended", { module, export: name, why });
      this.end(why);
    }
  }

  /** As `fail`, for a thread that is needed no longer. Safe to call again. */
  end(why: string): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#worker.terminate();
    this.#options.onEnd(
      new AgentrtError("HANDLER_FAILED", `The agent's thread was ended, because ${why}`),
    );
  }

  #take(message: FromThread): void {
    if (this.#isOver) {
      return;
    }
    this.#lastSeenMs = performance.now();
    this.#lastSeenBytes = process.memoryUsage.rss();
    this.#unanswered = 0;
    if (message.kind === "failed") {
      this.fail(message.reason);
    } else if (message.kind === "opened") {
      this.#isOpening = false;
    } else if (message.kind === "pong") {
      this.#checkMemory(message.heapBytes);
    } else {
      this.#options.onMessage(message);
    }
  }

  #look(): void {
    const { limits } = this.#options;
    const limitMs = this.#isOpening
      ? Math.max(OPENING_MS, limits.unresponsiveAfterMs)
      : limits.unresponsiveAfterMs;
    if (this.#unanswered >= SILENT_UNANSWERED) {
      // It cannot say itself what it takes; what the process took since then is most likely its own.
      this.#checkMemory(process.memoryUsage.rss() - this.#lastSeenBytes);
    }
    const silentMs = performance.now() - this.#lastSeenMs;
    if (this.#unanswered >= MIN_UNANSWERED && silentMs > limitMs) {
      this.fail(`it did not answer for ${limitMs} ms. It may be in an endless loop.`);
    }
    this.#unanswered += 1;
    this.post({ kind: "ping" });
  }

  #checkMemory(bytes: number): void {
    const { maxMemoryBytes } = this.#options.limits;
    if (bytes > maxMemoryBytes) {
      const mebibytes = Math.round(maxMemoryBytes / 2 ** 20);
      this.fail(`it took more memory than the ${mebibytes} MiB that it may have.`);
    }
  }
}

/** Bun puts the source around an error before its text. */
function lastLineOf(message: string): string {
  const lines = message.split("\n");
  return lines.find((line) => /^\w*error: /i.test(line)) ?? lines[0] ?? "";
}

/** What a thread runs; undefined where there is none, as under another runtime than Bun. */
export function threadEntry(): string | undefined {
  if (typeof Bun === "undefined") {
    return undefined;
  }
  if (/\$bunfs|%24bunfs|~BUN/i.test(import.meta.url)) {
    // Inside the compiled program the entries keep their path below src.
    return "./isolated-thread.ts";
  }
  // In the sources, and in the npm package.
  return ["../../isolated-thread.ts", "./isolated-thread.js"]
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))?.href;
}
