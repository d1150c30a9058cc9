import { getLogger } from "@logtape/logtape";
import type { AgentId } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { MessageType } from "../core/message-type.ts";
import type { PublishOptions, SendOptions } from "../core/runtime.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { GrpcWorkerAgentRuntime } from "./grpc-worker-runtime.ts";
import type { Message } from "./message.ts";
import type { Topic } from "./topic.ts";
import type { TopicHandler, TopicSubscription } from "./topic-subscriptions.ts";

const logger = getLogger(["agentrt", "worker"]);

/**
 * A runtime on loan from a pool, for publishing, calling and subscribing. Agents belong on a
 * runtime of their own, because the protocol cannot take a registration back.
 *
 * Giving it back (`await using`, or `release`) ends its subscriptions; after that each method
 * throws AgentrtError `RUNTIME_STATE`.
 */
export class PooledRuntime implements AsyncDisposable {
  readonly #giveBack: () => void;
  readonly #subscriptions = new Set<TopicSubscription>();
  #runtime: GrpcWorkerAgentRuntime | undefined;

  constructor(runtime: GrpcWorkerAgentRuntime, giveBack: () => void) {
    this.#runtime = runtime;
    this.#giveBack = giveBack;
  }

  get isConnected(): boolean {
    return this.#runtime?.isConnected === true;
  }

  get clientId(): string {
    return this.#lent().clientId;
  }

  async publish(message: Message): Promise<void> {
    await this.#lent().publish(message);
  }

  async subscribe(topic: string | Topic, handler: TopicHandler): Promise<TopicSubscription> {
    const subscription = await this.#lent().subscribe(topic, handler);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async publishMessage(message: object, topic: TopicId, options?: PublishOptions): Promise<void> {
    await this.#lent().publishMessage(message, topic, options);
  }

  async sendMessage<R extends object = object>(
    message: object,
    recipient: AgentId,
    options?: SendOptions,
  ): Promise<R | undefined> {
    return await this.#lent().sendMessage<R>(message, recipient, options);
  }

  addMessageType(type: MessageType): void {
    this.#lent().addMessageType(type);
  }

  /** Gives it back to the pool; a second call does nothing. */
  async release(): Promise<void> {
    if (this.#runtime === undefined) {
      return;
    }
    this.#runtime = undefined;
    for (const subscription of this.#subscriptions) {
      try {
        await subscription.unsubscribe();
      } catch (error) {
        logger.warn("a subscription of a returned runtime could not be ended", {
          topic: subscription.topic.toString(),
          error,
        });
      }
    }
    this.#giveBack();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  #lent(): GrpcWorkerAgentRuntime {
    if (this.#runtime === undefined) {
      throw new AgentrtError(
        "RUNTIME_STATE",
        "This runtime went back to its pool. Get one with pool.getRuntime() again.",
      );
    }
    return this.#runtime;
  }
}
