import type { AgentId } from "../core/agent-id.ts";
import {
  EMPTY_PAYLOAD,
  type EventEnvelope,
  type Headers,
  NO_HEADERS,
  type Payload,
  type RequestEnvelope,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PRIORITY_HEADER } from "../core/priority.ts";
import {
  AGE_HEADER,
  DELIVER_AT_HEADER,
  RECEIVERS_HEADER,
  RETAIN_HEADER,
  RETAIN_KEY_HEADER,
} from "../core/routing-headers.ts";
import type { PublishOptions } from "../core/runtime.ts";
import type { TopicId } from "../core/topic-id.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";

/** Source: CloudEvents 1.0, "Attribute Naming Convention". */
const ATTRIBUTE_NAME = /^[a-z0-9]+$/;

/** Names that the protocol uses itself, so that a header of that name would change the message's meaning. */
const PROTOCOL_NAMES: ReadonlySet<string> = new Set([
  "id",
  "source",
  "specversion",
  "type",
  "datacontenttype",
  "dataschema",
  "agagentsendertype",
  "agagentsenderkey",
  "agmsgkind",
  AGE_HEADER,
  RECEIVERS_HEADER,
]);

/** The last one that a `Date` can hold. */
const MAX_TIME_MS = 8_640_000_000_000_000;

/** @throws AgentrtError `INVALID_MESSAGE` for a header that cannot travel */
export function eventFor(topic: TopicId, payload: Payload, options: PublishOptions): EventEnvelope {
  return new OutgoingEvent(
    topic.resolveFor(options.sender),
    payload,
    eventHeaders(options),
    options,
  );
}

/** An event of this process. An id that nobody chose is made only when somebody asks for it. */
export class OutgoingEvent implements EventEnvelope {
  readonly kind = "event";
  readonly topic: TopicId;
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
  readonly payload: Payload;
  readonly chosenId: string | undefined;
  #id: string | undefined;

  constructor(topic: TopicId, payload: Payload, headers: Headers, options: PublishOptions) {
    this.topic = topic;
    this.sender = options.sender;
    this.headers = headers;
    this.payload = payload;
    this.chosenId = options.messageId;
    this.#id = options.messageId;
  }

  get id(): string {
    this.#id ??= crypto.randomUUID();
    return this.#id;
  }
}

function eventHeaders(options: PublishOptions): Headers {
  const { headers: own, priority, retain } = options;
  const isDelayed = options.deliverAt !== undefined || options.delayMs !== undefined;
  if (own === undefined && priority === undefined && !retain && !isDelayed) {
    return NO_HEADERS;
  }
  const headers = { ...headersOf(options), ...retainHeaders(options), ...delayHeaders(options) };
  for (const name of Object.keys(headers)) {
    if (!ATTRIBUTE_NAME.test(name) || PROTOCOL_NAMES.has(name)) {
      throw new AgentrtError(
        "INVALID_MESSAGE",
        `"${name}" cannot be a header of an event. Use lower-case letters and digits, and none of ${[...PROTOCOL_NAMES].join(", ")}.`,
        { data: { header: name } },
      );
    }
  }
  return headers;
}

/** What a call is called: by a number on agentrt's own dialect, by a text that nobody else uses elsewhere. */
export interface CallName {
  readonly number: number;
  readonly id: string;
}

/** What a call that has left is known by: a number, or the id when it has none. */
export function callKeyOf(request: RequestEnvelope): number | string {
  return request instanceof OutgoingRequest ? request.call.number : request.id;
}

/** A call of this process. */
export class OutgoingRequest implements RequestEnvelope {
  readonly kind = "request";
  readonly method = "";
  readonly call: CallName;
  readonly target: AgentId;
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
  /** The connection by which it left this process. */
  sentOn: object | undefined;
  #payload: Payload;

  constructor(call: CallName, target: AgentId, payload: Payload, options: PublishOptions) {
    this.call = call;
    this.target = target;
    this.sender = options.sender;
    this.headers = headersOf(options);
    this.#payload = payload;
  }

  get id(): string {
    return this.call.id;
  }

  get payload(): Payload {
    return this.#payload;
  }

  /** To be called when it has to wait: the caller may use its bytes for something else meanwhile. */
  keepData(): void {
    this.#payload = { ...this.#payload, data: new Uint8Array(this.#payload.data) };
  }
}

/** Says that a call was given up; see {@link CANCEL_HEADER}. */
export function cancelRequest(
  id: string,
  target: AgentId,
  sender: AgentId | undefined,
): RequestEnvelope {
  return {
    ...{ kind: "request", id, target, sender, method: "" },
    ...{ headers: { [CANCEL_HEADER]: id }, payload: EMPTY_PAYLOAD },
  };
}

function headersOf({ headers, priority }: PublishOptions): Headers {
  if (headers === undefined && priority === undefined) {
    return NO_HEADERS;
  }
  return priority === undefined ? { ...headers } : { ...headers, [PRIORITY_HEADER]: priority };
}

function delayHeaders({ deliverAt, delayMs }: PublishOptions): Headers {
  const atMs = deliverAt ?? (delayMs === undefined ? undefined : Date.now() + delayMs);
  if (atMs === undefined) {
    return {};
  }
  if (!(atMs >= 0 && atMs < MAX_TIME_MS)) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `${atMs} is no time to deliver at. Give deliverAt in milliseconds since 1970, or delayMs from now.`,
    );
  }
  return { [DELIVER_AT_HEADER]: String(Math.round(atMs)) };
}

function retainHeaders({ retain, retainKey }: PublishOptions): Headers {
  if (retain === undefined || retain === false) {
    return {};
  }
  const key = retainKey === undefined ? {} : { [RETAIN_KEY_HEADER]: retainKey };
  return { [RETAIN_HEADER]: String(retain), ...key };
}
