import { existsSync } from "node:fs";
import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../../core/errors.ts";
import type { AskInput, AskMethod, AskResult } from "./log-calls.ts";
import { receiveError } from "./log-errors.ts";
import type { LogFileOptions } from "./log-parts.ts";
import type { FromLogThread, Outcome, ToLogThread } from "./thread-messages.ts";

const logger = getLogger(["agentrt", "store"]);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: AgentrtError): void;
}

export interface ThreadLinkOptions {
  readonly folder: string;
  readonly file: LogFileOptions;
  readonly now: () => number;
  readonly onWritten: (outcomes: readonly Outcome[]) => void;
  /** Called once, when nothing more will be answered. */
  readonly onEnd: (reason: AgentrtError) => void;
}

/** The host's end of the thread that has the log. */
export class ThreadLink {
  readonly #options: ThreadLinkOptions;
  readonly #worker: Worker;
  readonly #asked = new Map<number, Waiting>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #lastId = 0;
  #end: AgentrtError | undefined;

  constructor(options: ThreadLinkOptions) {
    this.#options = options;
    // Before the class is named: where there is no thread there is no such class.
    const entry = entryPoint();
    this.#worker = new Worker(entry);
    this.#worker.onmessage = (event: MessageEvent<FromLogThread>) => this.#take(event.data);
    this.#worker.onerror = (event) => {
      logger.error("the thread of the message log failed", { reason: event.message });
      this.#finish(
        new AgentrtError(
          "STORE_UNUSABLE",
          `The thread of the message log in ${options.folder} failed: ${event.message}`,
        ),
      );
    };
    this.post({ kind: "open", folder: options.folder, options: options.file });
  }

  /** @throws AgentrtError why the log cannot be opened */
  opened(): Promise<void> {
    return this.#opened.promise;
  }

  post(message: ToLogThread, handOver: ArrayBuffer[] = []): void {
    if (this.#end === undefined) {
      this.#worker.postMessage(message, handOver);
    }
  }

  ask<M extends AskMethod>(method: M, input: AskInput<M>): Promise<AskResult<M>> {
    return new Promise<AskResult<M>>((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      this.#lastId += 1;
      // The thread answers a method with its own result.
      this.#asked.set(this.#lastId, { resolve: (value) => resolve(value as AskResult<M>), reject });
      this.post({ kind: "ask", id: this.#lastId, nowMs: this.#options.now(), method, input });
    });
  }

  /** Ends the thread after it has done what it was sent. */
  async close(): Promise<void> {
    this.post({ kind: "close" });
    await this.#closed.promise;
  }

  #take(message: FromLogThread): void {
    switch (message.kind) {
      case "opened":
        if (message.mending !== undefined) {
          logger.error("the write-ahead log of stored messages was damaged, and is mended", {
            folder: this.#options.folder,
            ...message.mending,
          });
        }
        this.#opened.resolve();
        return;
      case "refused":
        this.#finish(receiveError(message.error));
        return;
      case "written":
        this.#options.onWritten(message.outcomes);
        return;
      case "answered": {
        const waiting = this.#asked.get(message.id);
        this.#asked.delete(message.id);
        if (message.outcome.isOk) {
          waiting?.resolve(message.outcome.value);
        } else {
          waiting?.reject(receiveError(message.outcome.error));
        }
        return;
      }
      case "damaged":
        logger.error("stored messages are damaged and set aside", {
          folder: this.#options.folder,
          ...message.range,
        });
        return;
      case "closed":
        this.#finish(new AgentrtError("RUNTIME_STATE", "The message log is closed."));
        return;
      default:
        message satisfies never;
    }
  }

  #finish(reason: AgentrtError): void {
    if (this.#end !== undefined) {
      return;
    }
    this.#end = reason;
    this.#worker.terminate();
    this.#opened.reject(reason);
    // Whoever opens the log hears of it; later nobody listens.
    this.#opened.promise.catch(() => undefined);
    for (const { reject } of this.#asked.values()) {
      reject(reason);
    }
    this.#asked.clear();
    this.#options.onEnd(reason);
    this.#closed.resolve();
  }
}

/**
 * Inside the compiled program the entries keep their path below src; in the sources they are there, and in the npm
 * package beside its own file. Under another runtime than Bun there is no such thread.
 * @throws AgentrtError `NEEDS_BUN`
 */
function entryPoint(): string {
  if (/\$bunfs|%24bunfs|~BUN/i.test(import.meta.url)) {
    return "./store-thread.ts";
  }
  const entry =
    typeof Bun === "undefined"
      ? undefined
      : ["../../store-thread.ts", "./store-thread.js"]
          .map((path) => new URL(path, import.meta.url))
          .find((url) => existsSync(url));
  if (entry === undefined) {
    throw new AgentrtError(
      "NEEDS_BUN",
      "Durable messages need a thread and the database of Bun. Run the host as the agentrt program, or with the agentrt package under Bun; workers of durable topics run under Node.js too.",
    );
  }
  return entry.href;
}
