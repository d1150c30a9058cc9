import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../../core/errors.ts";
import type { FromThread, IsolatedModule, ToThread } from "./thread-messages.ts";

const logger = getLogger(["agentrt", "worker"]);

/** How often a thread is asked whether it still runs its event loop, for each time that it may be silent. */
const PINGS_PER_LIMIT = 4;

export interface ThreadOptions {
  readonly agent: IsolatedModule;
  /** A thread that does not answer for so long, in milliseconds, is ended. */
  readonly unresponsiveAfterMs: number;
  readonly onMessage: (message: FromThread) => void;
  /** Called once; the thread is over. */
  readonly onEnd: (reason: AgentrtError) => void;
}

/** A thread that is watched: one whose event loop hangs is ended. */
export class Thread {
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #watch: ReturnType<typeof setInterval>;
  #lastSeen = performance.now();
  #pings = 0;
  #isOver = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(entryPoint());
    this.#worker.onmessage = (event: MessageEvent<FromThread>) => this.#take(event.data);
    this.#worker.onerror = (event) => {
      this.end(new AgentrtError("HANDLER_FAILED", `The agent's thread failed: ${event.message}`));
    };
    const { unresponsiveAfterMs } = options;
    this.#watch = setInterval(() => this.#look(), Math.ceil(unresponsiveAfterMs / PINGS_PER_LIMIT));
    this.post({ kind: "open", agent: options.agent });
  }

  post(message: ToThread): void {
    if (!this.#isOver) {
      this.#worker.postMessage(message);
    }
  }

  /** Ends it at once, whatever it does. Safe to call again. */
  end(reason: AgentrtError): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#worker.terminate();
    this.#options.onEnd(reason);
  }

  #take(message: FromThread): void {
    this.#lastSeen = performance.now();
    if (message.kind === "failed") {
      this.end(new AgentrtError("HANDLER_FAILED", message.reason));
    } else if (message.kind !== "pong" && !this.#isOver) {
      this.#options.onMessage(message);
    }
  }

  #look(): void {
    const silentMs = Math.round(performance.now() - this.#lastSeen);
    const { agent, unresponsiveAfterMs } = this.#options;
    // Not before it was asked and had the time: this process may have stood still itself.
    if (this.#pings > PINGS_PER_LIMIT && silentMs > unresponsiveAfterMs) {
      logger.error("the thread of an isolated agent type hangs and is ended", {
        module: agent.module,
        silentMs,
      });
      this.end(
        new AgentrtError(
          "HANDLER_FAILED",
          `The agent's thread did not answer for ${unresponsiveAfterMs} ms and was ended. It may be in an endless loop.`,
        ),
      );
      return;
    }
    this.#pings += 1;
    this.post({ kind: "ping", n: this.#pings });
  }
}

/** Inside the compiled program the entries keep their path below src; everywhere else the file is where it is. */
function entryPoint(): string {
  const isCompiled = /\$bunfs|%24bunfs|~BUN/i.test(import.meta.url);
  return isCompiled
    ? "./isolated-thread.ts"
    : new URL("../../isolated-thread.ts", import.meta.url).href;
}
