import { getLogger } from "@logtape/logtape";
import type { JsonValue } from "../../core/agent.ts";
import type { AgentId } from "../../core/agent-id.ts";
import type { Envelope, RequestEnvelope, ResponseEnvelope } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { UnknownPayload } from "../../core/message-type.ts";
import type { AgentRuntime, SendOptions } from "../../core/runtime.ts";
import { decodeMessage, encodeMessage } from "../../wire/autogen/codec.ts";
import { errorAnswerTo, errorOfAnswer } from "../answer.ts";
import { endsWithin } from "../ends-within.ts";
import { payloadOf } from "./isolated-agent.ts";
import { Thread } from "./thread.ts";
import type { FromThread, IsolatedModule } from "./thread-messages.ts";

const logger = getLogger(["agentrt", "worker"]);

/** How long an instance may take to close before its thread is ended. */
const CLOSE_GRACE_MS = 500;

interface Handled {
  readonly response: ResponseEnvelope;
  readonly state: JsonValue | undefined;
}

/** The thread of one agent type: made when it is needed, made anew when it has ended. */
export class IsolatedThreads {
  readonly #agent: IsolatedModule;
  readonly #unresponsiveAfterMs: number;
  readonly #waiting = new Map<number, PromiseWithResolvers<Handled>>();
  readonly #closing = new Map<string, () => void>();
  readonly #calls = new Map<string, AbortController>();
  /** Instances that the thread has. */
  readonly #known = new Set<string>();
  /** Those of them that have another state here than there. */
  readonly #stale = new Set<string>();
  #runtime: AgentRuntime | undefined;
  #thread: Thread | undefined;
  #lastCall = 0;

  constructor(agent: IsolatedModule, unresponsiveAfterMs: number) {
    this.#agent = agent;
    this.#unresponsiveAfterMs = unresponsiveAfterMs;
  }

  bind(runtime: AgentRuntime): void {
    this.#runtime = runtime;
  }

  /** The next message of the instance brings its state along. */
  forget(id: AgentId): void {
    this.#stale.add(id.toString());
  }

  /** @throws AgentrtError what the handler threw; `HANDLER_FAILED` when the thread ended meanwhile */
  async handle(
    id: AgentId,
    envelope: Envelope,
    state: JsonValue,
    signal: AbortSignal,
  ): Promise<Handled> {
    const agent = id.toString();
    this.#thread ??= this.#start();
    const thread = this.#thread;
    this.#lastCall += 1;
    const call = this.#lastCall;
    const waiting = Promise.withResolvers<Handled>();
    this.#waiting.set(call, waiting);
    const onAbort = (): void => thread.post({ kind: "abort", call });
    signal.addEventListener("abort", onAbort, { once: true });
    const needsState = this.#stale.delete(agent) || !this.#known.has(agent);
    this.#known.add(agent);
    thread.post({
      kind: "message",
      call,
      agent,
      bytes: encodeMessage(envelope),
      state: needsState && state !== null ? state : undefined,
    });
    try {
      const handled = await waiting.promise;
      const error = errorOfAnswer(handled.response);
      if (error !== undefined) {
        throw error;
      }
      return handled;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(call);
    }
  }

  /** Closes an instance; a thread that does not do so soon is ended. The last one takes the thread along. */
  async close(id: AgentId): Promise<void> {
    const agent = id.toString();
    const thread = this.#thread;
    if (thread === undefined || !this.#known.has(agent)) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing.set(agent, resolve);
    this.#known.delete(agent);
    this.#stale.delete(agent);
    thread.post({ kind: "close", agent });
    const isClosed = await endsWithin(CLOSE_GRACE_MS, promise);
    this.#closing.delete(agent);
    if (!isClosed || this.#known.size === 0) {
      thread.end(
        new AgentrtError("HANDLER_FAILED", "The agent's thread was ended because it hangs."),
      );
    }
  }

  #start(): Thread {
    const thread: Thread = new Thread({
      agent: this.#agent,
      unresponsiveAfterMs: this.#unresponsiveAfterMs,
      onMessage: (message) => this.#take(message, thread),
      onEnd: (reason) => this.#ended(thread, reason),
    });
    return thread;
  }

  #ended(thread: Thread, reason: AgentrtError): void {
    if (this.#thread !== thread) {
      return;
    }
    this.#thread = undefined;
    this.#known.clear();
    this.#stale.clear();
    for (const { reject } of this.#waiting.values()) {
      reject(reason);
    }
    for (const resolve of this.#closing.values()) {
      resolve();
    }
    for (const call of this.#calls.values()) {
      call.abort(reason);
    }
  }

  #take(message: FromThread, thread: Thread): void {
    switch (message.kind) {
      case "done": {
        const response = decodeMessage(message.bytes);
        if (response.kind === "response") {
          this.#waiting.get(message.call)?.resolve({ response, state: message.state });
        }
        break;
      }
      case "envelope":
        this.#send(decodeMessage(message.bytes), thread).catch((error: unknown) => {
          logger.error("an isolated agent could not publish", { error });
        });
        break;
      case "give-up":
        this.#calls.get(message.id)?.abort();
        break;
      case "closed":
        this.#closing.get(message.agent)?.();
        break;
      default:
        // opened, and what the thread itself deals with.
        break;
    }
  }

  async #send(envelope: Envelope, thread: Thread): Promise<void> {
    if (envelope.kind === "response" || this.#runtime === undefined) {
      return;
    }
    const { dataType, contentType, data } = envelope.payload;
    const message = new UnknownPayload(dataType, contentType, data);
    const { sender, headers } = envelope;
    const options: SendOptions = sender === undefined ? { headers } : { headers, sender };
    if (envelope.kind === "event") {
      const { topic, id: messageId } = envelope;
      await this.#runtime.publishMessage(message, topic, { ...options, messageId });
      return;
    }
    const answer = await this.#call(envelope, message, options, this.#runtime);
    thread.post({ kind: "answer", bytes: encodeMessage(answer) });
  }

  async #call(
    { id, target }: RequestEnvelope,
    message: UnknownPayload,
    options: SendOptions,
    runtime: AgentRuntime,
  ): Promise<ResponseEnvelope> {
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const { signal } = controller;
      const result = await runtime.sendMessage(message, target, { ...options, signal });
      return { kind: "response", id, error: "", headers: {}, payload: payloadOf(result) };
    } catch (error) {
      return errorAnswerTo(id, error);
    } finally {
      this.#calls.delete(id);
    }
  }
}
