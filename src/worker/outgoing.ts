import type { AgentId } from "../core/agent-id.ts";
import {
  EMPTY_PAYLOAD,
  type EventEnvelope,
  type Headers,
  type Payload,
  type RequestEnvelope,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PRIORITY_HEADER } from "../core/priority.ts";
import {
  AGE_HEADER,
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

/** What most messages have, so that it need not be made and checked for each. */
export const NO_HEADERS: Headers = Object.freeze({});

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
  if (own === undefined && priority === undefined && !retain) {
    return NO_HEADERS;
  }
  const headers = { ...headersOf(options), ...retainHeaders(options) };
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

export function requestFor(
  id: string,
  target: AgentId,
  payload: Payload,
  options: PublishOptions,
): RequestEnvelope {
  return {
    kind: "request",
    id,
    target,
    sender: options.sender,
    method: "",
    headers: headersOf(options),
    payload,
  };
}

/** Says that a call was given up; see {@link CANCEL_HEADER}. */
export function cancelRequest(
  id: string,
  target: AgentId,
  sender: AgentId | undefined,
): RequestEnvelope {
  return {
    ...requestFor(id, target, EMPTY_PAYLOAD, sender === undefined ? {} : { sender }),
    headers: { [CANCEL_HEADER]: id },
  };
}

function headersOf({ headers = {}, priority }: PublishOptions): Headers {
  return priority === undefined ? { ...headers } : { ...headers, [PRIORITY_HEADER]: priority };
}

function retainHeaders({ retain, retainKey }: PublishOptions): Headers {
  if (retain === undefined || retain === false) {
    return {};
  }
  const key = retainKey === undefined ? {} : { [RETAIN_KEY_HEADER]: retainKey };
  return { [RETAIN_HEADER]: String(retain), ...key };
}
