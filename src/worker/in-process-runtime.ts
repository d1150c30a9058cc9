import type { JsonValue } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import { type EventEnvelope, type RequestEnvelope, sizeOf } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PrioritizedQueue } from "../core/prioritized-queue.ts";
import { priorityOf } from "../core/priority.ts";
import { noSuchAgent } from "./agent-instances.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { LocalRuntime } from "./local-runtime.ts";
import { type RuntimeOptionsInput, runtimeOptions } from "./runtime-options.ts";

/** idle -> running -> stopping -> stopped; messages sent while idle wait for `start`. */
type RuntimeState = "idle" | "running" | "stopping" | "stopped";

interface Waiting {
  readonly envelope: EventEnvelope | RequestEnvelope;
  readonly signal: SignalLike | undefined;
}

/**
 * A runtime whose agents all live in this process, with no network: for tests, and for programs
 * that need no more. Data is encoded and decoded as on the wire, so that an agent sees here what
 * it will see there.
 *
 * ```ts
 * const runtime = new SingleThreadedAgentRuntime();
 * await runtime.registerFactory("counter", () => new Counter());
 * await runtime.addSubscription(new TypeSubscription("readings", "counter"));
 * await runtime.start();
 * await runtime.publishMessage(Reading.of({ celsius: 20 }), new TopicId("readings", "kitchen"));
 * await runtime.stopWhenIdle();
 * ```
 */
export class SingleThreadedAgentRuntime extends LocalRuntime {
  readonly #waiting: PrioritizedQueue<Waiting>;
  #state: RuntimeState = "idle";

  /** @throws AgentrtError `INVALID_OPTION` */
  constructor(options: RuntimeOptionsInput = {}) {
    const complete = runtimeOptions(options);
    super(complete);
    this.#waiting = new PrioritizedQueue<Waiting>({
      maxMessages: complete.bufferMaxMessages,
      maxBytes: complete.bufferMaxBytes,
    });
  }

  /** Begins to hand out messages, those first that were sent before. @throws AgentrtError `RUNTIME_STATE` after `stop` */
  async start(): Promise<void> {
    this.assertUsable();
    if (this.#state === "running") {
      return;
    }
    this.#state = "running";
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#deliver(next.envelope, next.signal);
    }
  }

  /** The same as `start`, in the words of the short API. */
  async connect(): Promise<void> {
    await this.start();
  }

  /** Stops as soon as no message is waiting or being handled. */
  async stopWhenIdle(): Promise<void> {
    await this.idle();
    await this.stop();
  }

  /** Resolves when no message is waiting or being handled, and goes on running. */
  async idle(): Promise<void> {
    await this.dispatcher.idle();
  }

  /** Stops as soon as the condition holds; it is looked at now and after each handled message. */
  async stopWhen(condition: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        if (condition()) {
          resolve();
        }
      } catch (error) {
        reject(error);
      }
    };
    const forget = this.dispatcher.onHandled(look);
    try {
      look();
      await promise;
    } finally {
      forget();
    }
    await this.stop();
  }

  protected transmit(
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike | undefined,
  ): undefined {
    if (this.#state === "running") {
      this.#deliver(envelope, signal);
      return;
    }
    if (!this.#waiting.push({ envelope, signal }, sizeOf(envelope), priorityOf(envelope.headers))) {
      throw new AgentrtError(
        "NOT_CONNECTED",
        `The runtime is not started and ${this.#waiting.length} messages wait for it already. Call start() first.`,
      );
    }
  }

  protected async announceType(): Promise<void> {
    // Nobody else has to know.
  }

  protected async announceSubscription(): Promise<void> {
    // Nobody else has to know.
  }

  protected async withdrawSubscription(): Promise<void> {
    // Nobody else has to know.
  }

  protected async withdrawType(): Promise<void> {
    // Nobody else has to know.
  }

  protected async saveStateElsewhere(id: AgentId): Promise<JsonValue> {
    throw noSuchAgent(id, this.instances.types);
  }

  protected async loadStateElsewhere(id: AgentId): Promise<void> {
    throw noSuchAgent(id, this.instances.types);
  }

  protected assertUsable(): void {
    if (this.#state === "stopped") {
      throw new AgentrtError("RUNTIME_STATE", "The runtime has stopped. Make a new one.");
    }
  }

  #deliver(envelope: EventEnvelope | RequestEnvelope, signal: SignalLike | undefined): void {
    if (envelope.kind === "event") {
      this.dispatcher.deliverEvent(envelope);
    } else if (signal?.aborted !== true) {
      this.dispatcher.deliverRequest(envelope, (response) => this.calls.settle(response), signal);
    }
  }

  protected override async shutDown(): Promise<void> {
    this.#state = "stopping";
    await super.shutDown();
    this.#state = "stopped";
    this.calls.failAll(
      (recipient) =>
        new AgentrtError("WORKER_GONE", `The runtime stopped before agent ${recipient} answered.`),
    );
  }
}
