import { AgentrtError } from "../core/errors.ts";
import { GrpcWorkerAgentRuntime } from "./grpc-worker-runtime.ts";
import { invalidOption, wholeNumber } from "./option-values.ts";
import { cancelled } from "./pending-calls.ts";
import { PooledRuntime } from "./pooled-runtime.ts";
import { type WorkerOptionsInput, workerOptions } from "./worker-options.ts";

/** Everything that a runtime can be told but its client id, of which each has its own. */
export type PoolOptionsInput = Omit<WorkerOptionsInput, "clientId"> & {
  /** How many runtimes there are at most. Default: 5. */
  readonly poolSize?: number | undefined;
};

export interface GetRuntimeOptions {
  /** Gives up waiting for a runtime, and for its connection. */
  readonly signal?: AbortSignal;
  /** How long to wait while all are out, in milliseconds. Default: for ever. */
  readonly timeoutMs?: number;
}

/** Somebody who waits for a place. */
interface Waiter {
  readonly admit: () => void;
  readonly refuse: (error: AgentrtError) => void;
}

const MAX_POOL_SIZE = 10_000;

/**
 * Connections to one host that are made when they are needed and lent one at a time.
 *
 * ```ts
 * await using pool = new GrpcWorkerAgentRuntimePool({ hostAddress: "localhost:50051", poolSize: 5 });
 * {
 *   await using runtime = await pool.getRuntime();
 *   await runtime.publish(new Message({ content: "hello", topic: "greetings" }));
 * }
 * ```
 */
export class GrpcWorkerAgentRuntimePool implements AsyncDisposable {
  readonly poolSize: number;
  readonly #options: WorkerOptionsInput;
  readonly #idle: GrpcWorkerAgentRuntime[] = [];
  readonly #out = new Set<GrpcWorkerAgentRuntime>();
  #taken = 0;
  #waiters: Waiter[] = [];
  #closed: Promise<void> | undefined;

  /** @throws AgentrtError `INVALID_OPTION` */
  constructor({ poolSize, ...options }: PoolOptionsInput = {}) {
    this.poolSize = wholeNumber("poolSize", poolSize, 5, 1, MAX_POOL_SIZE);
    if ("clientId" in options && options.clientId !== undefined) {
      throw invalidOption("clientId", "set for a pool", "it to single runtimes only");
    }
    workerOptions(options);
    this.#options = options;
  }

  /** Lent now, those that connect included. */
  get lent(): number {
    return this.#taken;
  }

  /**
   * Lends a connected runtime; waits while all are out, first come, first served.
   * @throws AgentrtError `DEADLINE` after `timeoutMs`, `CANCELLED`, `RUNTIME_STATE` after `close`,
   *   and what `GrpcWorkerAgentRuntime.start` throws
   */
  async getRuntime(options: GetRuntimeOptions = {}): Promise<PooledRuntime> {
    await this.#takePlace(options);
    const runtime = this.#nextRuntime();
    this.#out.add(runtime);
    try {
      await runtime.start(options.signal === undefined ? {} : { signal: options.signal });
      this.#assertOpen();
    } catch (error) {
      this.#out.delete(runtime);
      this.#freePlace();
      await runtime.stop();
      throw error;
    }
    return new PooledRuntime(runtime, () => this.#takeBack(runtime));
  }

  /** Stops all runtimes, lent ones too. Final; a second call waits for the first. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** One that is connected if there is one; a new one rather than one that lost its connection. */
  #nextRuntime(): GrpcWorkerAgentRuntime {
    const connected = this.#idle.findIndex((runtime) => runtime.isConnected);
    const isRoomForNew = this.#idle.length + this.#out.size < this.poolSize;
    const index = connected >= 0 || isRoomForNew ? connected : 0;
    const [runtime] = index < 0 ? [] : this.#idle.splice(index, 1);
    return runtime ?? new GrpcWorkerAgentRuntime(this.#options);
  }

  #takeBack(runtime: GrpcWorkerAgentRuntime): void {
    this.#out.delete(runtime);
    if (this.#closed === undefined && runtime.connectionState.kind !== "stopped") {
      this.#idle.push(runtime);
    }
    this.#freePlace();
  }

  async #takePlace({ signal, timeoutMs }: GetRuntimeOptions): Promise<void> {
    this.#assertOpen();
    if (signal?.aborted === true) {
      throw cancelled("a runtime of the pool", signal.reason);
    }
    if (this.#taken < this.poolSize) {
      this.#taken += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { admit: resolve, refuse: reject };
    this.#waiters.push(waiter);
    const giveUp = (error: AgentrtError): void => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      reject(error);
    };
    const onAbort = (): void => giveUp(cancelled("a runtime of the pool", signal?.reason));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => giveUp(allOut(this.poolSize, timeoutMs)), timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** The place of one who leaves goes to the one who waits longest. */
  #freePlace(): void {
    const next = this.#waiters.shift();
    if (next === undefined) {
      this.#taken -= 1;
    } else {
      next.admit();
    }
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) {
      throw closed();
    }
  }

  async #close(): Promise<void> {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter.refuse(closed());
    }
    const all = [...this.#idle.splice(0), ...this.#out];
    await Promise.all(all.map(async (runtime) => await runtime.stop()));
  }
}

function allOut(poolSize: number, timeoutMs: number): AgentrtError {
  return new AgentrtError(
    "DEADLINE",
    `All ${poolSize} runtimes of the pool stayed out for ${timeoutMs} ms. Give them back sooner, or raise poolSize.`,
    { data: { poolSize, timeoutMs } },
  );
}

function closed(): AgentrtError {
  return new AgentrtError("RUNTIME_STATE", "The pool is closed. Make a new one.");
}
