import type { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope, RequestEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { PublishOptions, SendOptions } from "../core/runtime.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import type { Interventions } from "./interventions.ts";
import type { MessageTypes } from "./message-types.ts";
import { eventFor, requestFor } from "./outgoing.ts";
import { cancelled, type PendingCalls } from "./pending-calls.ts";
import { tracedSend } from "./traced-messages.ts";

export interface SendingParts {
  readonly messageTypes: MessageTypes;
  readonly calls: PendingCalls;
  readonly interventions: Interventions;
  readonly callTimeoutMs: number;
  /** Takes a message on its way. `signal` aborts when nobody waits for it any more. */
  readonly transmit: (
    envelope: EventEnvelope | RequestEnvelope,
    signal: AbortSignal | undefined,
  ) => Promise<void>;
  readonly tracing: MessageTracing | undefined;
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

  async publish(message: object, topic: TopicId, options: PublishOptions): Promise<void> {
    const { messageTypes, interventions, transmit, tracing } = this.#parts;
    assertWanted(`topic ${topic}`, options.signal);
    let wanted: object | undefined = message;
    if (!interventions.isEmpty) {
      const { sender, headers = {} } = options;
      const resolved = topic.resolveFor(sender);
      wanted = await interventions.onPublish(message, { topic: resolved, sender, headers });
      assertWanted(`topic ${topic}`, options.signal);
    }
    if (wanted === undefined) {
      this.#dropped += 1;
      return;
    }
    const event = eventFor(topic, messageTypes.encode(wanted), options);
    await tracedSend(tracing, event, (traced) => transmit(traced, options.signal));
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

  async #call(
    message: object,
    recipient: AgentId,
    options: SendOptions,
  ): Promise<object | undefined> {
    const { messageTypes, calls, transmit, callTimeoutMs, tracing } = this.#parts;
    const payload = messageTypes.encode(message);
    const timeoutMs = options.timeoutMs ?? callTimeoutMs;
    const call = calls.open(recipient, timeoutMs, options.signal);
    const ended = new AbortController();
    try {
      const request = requestFor(call.id, recipient, payload, options);
      const { payload: result } = await tracedSend(tracing, request, async (traced) => {
        transmit(traced, ended.signal).catch((error: unknown) =>
          calls.fail(call.id, AgentrtError.from(error)),
        );
        return await call.answer;
      });
      return messageTypes.decodeResult(result);
    } catch (error) {
      ended.abort(error);
      throw error;
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

function assertWanted(what: AgentId | string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw cancelled(what, signal.reason);
  }
}
