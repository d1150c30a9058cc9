import { getLogger } from "@logtape/logtape";
import type { JsonValue } from "../../core/agent.ts";
import type { Envelope, RequestEnvelope, ResponseEnvelope } from "../../core/envelope.ts";
import type { AgentrtError } from "../../core/errors.ts";
import { UnknownPayload } from "../../core/message-type.ts";
import type { AgentRuntime, SendOptions } from "../../core/runtime.ts";
import { decodeMessage, encodeMessage } from "../../wire/autogen/codec.ts";
import { errorAnswerTo, errorOfAnswer } from "../answer.ts";
import { endsWithin } from "../ends-within.ts";
import { type IsolatedAgent, payloadOf } from "./isolated-agent.ts";
import { Thread, type ThreadLimits } from "./thread.ts";
import type { FromThread, IsolatedModule, ToThread } from "./thread-messages.ts";

const logger = getLogger(["agentrt", "worker"]);

/** How long an instance may take to close before its thread is ended. */
const CLOSE_GRACE_MS = 500;

interface Handled {
  readonly response: ResponseEnvelope;
  readonly state: JsonValue | undefined;
}

/** An instance that the thread has or is about to have. */
interface Known {
  /** An instance that was made anew has another one, and what the former does late is not its own. */
  readonly owner: IsolatedAgent;
  /** Rejects when it could not be made. */
  readonly made: Promise<unknown>;
}

/** The thread of one agent type: made when it is needed, made anew when it has ended. */
export class IsolatedThreads {
  readonly #agent: IsolatedModule;
  readonly #limits: ThreadLimits;
  readonly #entry: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Handled>>();
  readonly #closing = new Map<string, () => void>();
  readonly #calls = new Map<string, AbortController>();
  readonly #known = new Map<string, Known>();
  #runtime: AgentRuntime | undefined;
  #thread: Thread | undefined;
  #lastCall = 0;

  /** @param entry what a thread runs */
  constructor(agent: IsolatedModule, limits: ThreadLimits, entry: string) {
    this.#entry = entry;
    this.#agent = agent;
    this.#limits = limits;
  }

  bind(runtime: AgentRuntime): void {
    this.#runtime = runtime;
  }

  /**
   * Makes the instance in the thread, with this state if there is one.
   * @returns its state then; undefined when it keeps none
   * @throws AgentrtError `STATE_REJECTED`, what the factory threw, or `HANDLER_FAILED` when the thread ended
   */
  async make(owner: IsolatedAgent, state: JsonValue | undefined): Promise<JsonValue | undefined> {
    const agent = owner.id.toString();
    const making = this.#post((call) => ({ kind: "make", call, agent, state }));
    this.#known.set(agent, { owner, made: making });
    try {
      return (await making).state;
    } catch (error) {
      // Without waiting: what is told to close may hang, and the thread of it is watched.
      void this.close(owner);
      throw error;
    }
  }

  /** Gives the instance another state. @returns its state then @throws as `make` */
  async load(owner: IsolatedAgent, state: JsonValue): Promise<JsonValue | undefined> {
    if (this.#known.get(owner.id.toString())?.owner !== owner) {
      return await this.make(owner, state);
    }
    await this.#known.get(owner.id.toString())?.made;
    const agent = owner.id.toString();
    return (await this.#post((call) => ({ kind: "load", call, agent, state }))).state;
  }

  /** @throws AgentrtError what the handler threw; `HANDLER_FAILED` when the thread ended meanwhile */
  async handle(owner: IsolatedAgent, envelope: Envelope, signal: AbortSignal): Promise<Handled> {
    const agent = owner.id.toString();
    const known = this.#known.get(agent);
    if (known?.owner === owner) {
      await known.made;
    } else {
      await this.make(owner, owner.state);
    }
    return await this.#post(
      (call) => ({ kind: "message", call, agent, bytes: encodeMessage(envelope) }),
      signal,
    );
  }

  /** Closes an instance; a thread that does not do so soon is ended. The last one takes the thread along. */
  async close(owner: IsolatedAgent): Promise<void> {
    const agent = owner.id.toString();
    const thread = this.#thread;
    if (thread === undefined || this.#known.get(agent)?.owner !== owner) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing.set(agent, resolve);
    this.#known.delete(agent);
    thread.post({ kind: "close", agent });
    const isClosed = await endsWithin(CLOSE_GRACE_MS, promise);
    if (this.#closing.get(agent) === resolve) {
      this.#closing.delete(agent);
    }
    if (!isClosed) {
      thread.fail("it hangs, and did not close an instance.");
    } else if (this.#known.size === 0) {
      thread.end("it has no instance any more.");
    }
  }

  /** Gives the thread something to do, and waits for its end. */
  async #post(messageOf: (call: number) => ToThread, signal?: AbortSignal): Promise<Handled> {
    this.#thread ??= this.#start();
    const thread = this.#thread;
    this.#lastCall += 1;
    const call = this.#lastCall;
    const waiting = Promise.withResolvers<Handled>();
    this.#waiting.set(call, waiting);
    const onAbort = (): void => thread.post({ kind: "abort", call });
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      thread.post(messageOf(call));
      const handled = await waiting.promise;
      const error = errorOfAnswer(handled.response);
      if (error !== undefined) {
        throw error;
      }
      return handled;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(call);
    }
  }

  #start(): Thread {
    const thread: Thread = new Thread({
      agent: this.#agent,
      limits: this.#limits,
      entry: this.#entry,
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
        // What the thread itself deals with.
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
