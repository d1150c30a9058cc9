import type { AgentFactory, JsonValue } from "../../core/agent.ts";
import { AgentId } from "../../core/agent-id.ts";
import {
  EMPTY_PAYLOAD,
  type EventEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { decodeMessage, encodeMessage } from "../../wire/autogen/codec.ts";
import { errorAnswerTo } from "../answer.ts";
import type { SignalLike } from "../lazy-signal.ts";
import { LocalRuntime } from "../local-runtime.ts";
import { runtimeOptions } from "../runtime-options.ts";
import type { FromThread, ToThread } from "./thread-messages.ts";

/**
 * The runtime inside of a thread: it has the one agent type that the thread was made for. Messages come
 * from the process, which knows the rules of the type; what the agents send goes back to it.
 */
export class ThreadRuntime extends LocalRuntime {
  readonly #post: (message: FromThread) => void;
  readonly #heapBytes: () => number;
  readonly #calls = new Map<number, AbortController>();
  #lastAnswer = Promise.resolve();

  /** @param heapBytes what the thread's own objects take, asked at each sign of life */
  constructor(post: (message: FromThread) => void, heapBytes: () => number) {
    // The time of a call is limited by the process too, which does not know of another limit here.
    super(runtimeOptions({ maxInstances: Number.MAX_SAFE_INTEGER }));
    this.#post = post;
    this.#heapBytes = heapBytes;
  }

  async host(agentType: string, factory: AgentFactory): Promise<void> {
    if (!this.instances.hasType(agentType)) {
      await this.registerFactory(agentType, factory);
    }
  }

  async handle(message: Exclude<ToThread, { kind: "open" }>): Promise<void> {
    switch (message.kind) {
      case "make":
        await this.instances.drop(AgentId.parse(message.agent));
        await this.#load(message);
        break;
      case "load":
        await this.#load(message);
        break;
      case "message":
        this.#deliver(message);
        break;
      case "abort":
        this.#calls.get(message.call)?.abort(new AgentrtError("CANCELLED", "It was given up."));
        break;
      case "answer": {
        const envelope = decodeMessage(message.bytes);
        if (envelope.kind === "response") {
          this.calls.settle(envelope);
        }
        break;
      }
      case "close":
        await this.instances.drop(AgentId.parse(message.agent));
        this.#post({ kind: "closed", agent: message.agent });
        break;
      case "ping":
        this.#post({ kind: "pong", heapBytes: this.#heapBytes() });
        break;
      default:
        message satisfies never;
    }
  }

  /** Makes the instance if it is not there, and gives it the state if there is one. */
  async #load({ call, agent, state }: Extract<ToThread, { kind: "make" | "load" }>): Promise<void> {
    const id = AgentId.parse(agent);
    const done = (answer: ResponseEnvelope, now: JsonValue | undefined): void =>
      this.#post({ kind: "done", call, bytes: encodeMessage(answer), state: now });
    try {
      const slot = this.instances.slot(id);
      await (state === undefined ? slot.agent() : slot.load(state));
      const now = await this.#stateOf(id);
      done({ kind: "response", id: agent, error: "", headers: {}, payload: EMPTY_PAYLOAD }, now);
    } catch (error) {
      done(errorAnswerTo(agent, error), undefined);
    }
  }

  #deliver({ call, agent, bytes }: Extract<ToThread, { kind: "message" }>): void {
    const id = AgentId.parse(agent);
    const envelope = decodeMessage(bytes);
    if (envelope.kind === "response") {
      return;
    }
    const controller = new AbortController();
    this.#calls.set(call, controller);
    this.dispatcher.deliverTo(
      id,
      envelope,
      (response) => {
        this.#calls.delete(call);
        const done = async (): Promise<void> => {
          const now = await this.#stateOf(id);
          this.#post({ kind: "done", call, bytes: encodeMessage(response), state: now });
        };
        // In the order of their answers, so that an older state does not come after a newer one.
        this.#lastAnswer = this.#lastAnswer.then(done, done);
      },
      controller.signal,
    );
  }

  async #stateOf(id: AgentId): Promise<JsonValue | undefined> {
    const slot = this.instances.find(id);
    return slot?.isLiving === true ? await (await slot.agent()).saveState?.() : undefined;
  }

  protected async transmit(
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike | undefined,
  ): Promise<void> {
    if (envelope.kind === "request") {
      const { id } = envelope;
      signal?.addEventListener("abort", () => this.#post({ kind: "give-up", id }), { once: true });
    }
    this.#post({ kind: "envelope", bytes: encodeMessage(envelope) });
  }

  protected async announceType(): Promise<void> {
    // The process knows the type.
  }

  protected async announceSubscription(): Promise<void> {
    throw notHere("add subscriptions");
  }

  protected async withdrawSubscription(): Promise<void> {
    throw notHere("remove subscriptions");
  }

  protected async withdrawType(): Promise<void> {
    throw notHere("take agent types back");
  }

  protected async saveStateElsewhere(): Promise<JsonValue> {
    throw notHere("save the state of others");
  }

  protected async loadStateElsewhere(): Promise<void> {
    throw notHere("load the state of others");
  }

  protected assertUsable(): void {
    // A thread lives until it is ended from outside.
  }
}

function notHere(what: string): AgentrtError {
  return new AgentrtError(
    "RUNTIME_STATE",
    `An isolated agent cannot ${what}. Do it where its type is registered.`,
  );
}
