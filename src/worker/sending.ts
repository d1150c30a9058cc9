import type { AgentId } from "../core/agent-id.ts";
import type {
  EventEnvelope,
  Payload,
  RequestEnvelope,
  ResponseEnvelope,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { PublishOptions, SendOptions } from "../core/runtime.ts";
import { TopicId } from "../core/topic-id.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import type { Interventions } from "./interventions.ts";
import { LazySignal, type SignalLike } from "./lazy-signal.ts";
import type { MessageTypes } from "./message-types.ts";
import { eventFor, OutgoingRequest } from "./outgoing.ts";
import { cancelled, type OpenCall, type PendingCalls } from "./pending-calls.ts";
import { tracedSend } from "./traced-messages.ts";

export interface SendingParts {
  readonly messageTypes: MessageTypes;
  readonly calls: PendingCalls;
  readonly interventions: Interventions;
  readonly callTimeoutMs: number;
  /** Takes a message on its way; undefined when that is done. `signal` aborts when nobody waits for it any more. */
  readonly transmit: (
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike | undefined,
  ) => Promise<void> | undefined;
  readonly tracing: MessageTracing | undefined;
  /** Accepts a message that is its payload and nothing else; false: `transmit` it as an event. */
  readonly takeBare?: (topic: TopicId, sender: AgentId | undefined, payload: Payload) => boolean;
}

/** What publishing and calling are, whichever way the messages go. */
export class Sending {
  readonly #parts: SendingParts;
  #dropped = 0;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  /** Events, calls and answers that an intervention handler dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Undefined when it is accepted already. May throw as well as reject. */
  publish(message: object, topic: TopicId, options: PublishOptions): Promise<void> | undefined {
    assertWanted(topic, options.signal);
    return this.#parts.interventions.isEmpty
      ? this.#publish(message, topic, options)
      : this.#publishIfWanted(message, topic, options);
  }

  async call(
    message: object,
    recipient: AgentId,
    options: SendOptions,
  ): Promise<object | undefined> {
    const { interventions } = this.#parts;
    assertWanted(recipient, options.signal);
    if (interventions.isEmpty) {
      return await this.#call(message, recipient, options);
    }
    const { sender, headers = {} } = options;
    const wanted = await interventions.onSend(message, { recipient, sender, headers });
    assertWanted(recipient, options.signal);
    if (wanted === undefined) {
      throw this.#drop(`The call of agent ${recipient}`);
    }
    const result = await this.#call(wanted, recipient, options);
    if (result === undefined) {
      return undefined;
    }
    const passed = await interventions.onResponse(result, { sender: recipient, recipient: sender });
    if (passed === undefined) {
      throw this.#drop(`The answer of agent ${recipient}`);
    }
    return passed;
  }

  #publish(message: object, topic: TopicId, options: PublishOptions): Promise<void> | undefined {
    const { messageTypes, transmit, tracing, takeBare } = this.#parts;
    const payload = messageTypes.encode(message);
    if (takeBare !== undefined && tracing === undefined && isBare(options)) {
      const { sender } = options;
      if (takeBare(topic.resolveFor(sender), sender, payload)) {
        return undefined;
      }
    }
    const event = eventFor(topic, payload, options);
    return tracing === undefined
      ? transmit(event, options.signal)
      : tracing.send(event, async (traced) => await transmit(traced, options.signal));
  }

  async #publishIfWanted(message: object, topic: TopicId, options: PublishOptions): Promise<void> {
    const { sender, headers = {}, signal } = options;
    const context = { topic: topic.resolveFor(sender), sender, headers };
    const wanted = await this.#parts.interventions.onPublish(message, context);
    assertWanted(topic, signal);
    if (wanted === undefined) {
      this.#dropped += 1;
      return;
    }
    await this.#publish(wanted, topic, options);
  }

  async #call(
    message: object,
    recipient: AgentId,
    options: SendOptions,
  ): Promise<object | undefined> {
    const { messageTypes, calls, callTimeoutMs, tracing } = this.#parts;
    const payload = messageTypes.encode(message);
    const timeoutMs = options.timeoutMs ?? callTimeoutMs;
    const call = calls.open(recipient, timeoutMs, options.signal);
    const ended = new LazySignal();
    try {
      const request = new OutgoingRequest(call, recipient, payload, options);
      const { payload: result } = await tracedSend<RequestEnvelope, ResponseEnvelope>(
        tracing,
        request,
        (traced) => {
          this.#transmitCall(traced, call, ended);
          return call.answer;
        },
      );
      return messageTypes.decodeResult(result);
    } catch (error) {
      ended.abort(error);
      throw error;
    }
  }

  /** Does not throw: the call ends with the error. */
  #transmitCall(request: RequestEnvelope, call: OpenCall, ended: LazySignal): void {
    const fail = (error: unknown): void => {
      this.#parts.calls.fail(call, AgentrtError.from(error));
    };
    try {
      this.#parts.transmit(request, ended)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #drop(what: string): AgentrtError {
    this.#dropped += 1;
    return new AgentrtError(
      "MESSAGE_DROPPED",
      `${what} was dropped by an intervention handler of this runtime.`,
    );
  }
}

/** True when a message's payload, topic and sender are all that there is to say of it. */
function isBare(options: PublishOptions): boolean {
  return (
    options.headers === undefined &&
    options.priority === undefined &&
    options.messageId === undefined &&
    options.signal === undefined &&
    options.retain === undefined &&
    options.deliverAt === undefined &&
    options.delayMs === undefined
  );
}

function assertWanted(what: AgentId | TopicId, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw cancelled(what instanceof TopicId ? `topic ${what}` : what, signal.reason);
  }
}
