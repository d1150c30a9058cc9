import { type Headers, NO_HEADERS } from "../core/envelope.ts";
import { PRIORITY_HEADER } from "../core/priority.ts";
import { DELIVER_AT_HEADER, RETAIN_HEADER, RETAIN_KEY_HEADER } from "../core/routing-headers.ts";
import { encodeExtras } from "../wire/link/records.ts";
import type { OutgoingEvent } from "./outgoing.ts";
import type { PublishedRoute } from "./outgoing-batches.ts";

/** Headers that the host reads. They are part of the route; all others go with the record. */
const ROUTING: ReadonlySet<string> = new Set([
  PRIORITY_HEADER,
  RETAIN_HEADER,
  RETAIN_KEY_HEADER,
  DELIVER_AT_HEADER,
]);

/** The same object each time, which makes routes quick to compare. */
const BY_PRIORITY: Readonly<Record<string, Headers>> = Object.freeze({
  high: Object.freeze({ [PRIORITY_HEADER]: "high" }),
  normal: Object.freeze({ [PRIORITY_HEADER]: "normal" }),
  low: Object.freeze({ [PRIORITY_HEADER]: "low" }),
});

/** An event as one record of a batch. */
export interface BatchedForm {
  readonly kind: "record";
  readonly route: PublishedRoute;
  readonly data: Uint8Array;
  readonly extras: Uint8Array | undefined;
}

export function batchedForm(event: OutgoingEvent): BatchedForm {
  const { topic, sender, payload, chosenId, headers } = event;
  const { dataType, contentType, data } = payload;
  if (headers === NO_HEADERS && chosenId === undefined) {
    const route = { topic, sender, headers, dataType, contentType };
    return { kind: "record", route, data, extras: undefined };
  }
  let routing = NO_HEADERS;
  let own = NO_HEADERS;
  for (const name in headers) {
    if (Object.hasOwn(headers, name)) {
      const added = { [name]: headers[name] ?? "" };
      if (ROUTING.has(name)) {
        routing = { ...routing, ...added };
      } else {
        own = { ...own, ...added };
      }
    }
  }
  const names = Object.keys(routing);
  const priority = names.length === 1 ? routing[PRIORITY_HEADER] : undefined;
  const shared = priority === undefined ? undefined : BY_PRIORITY[priority];
  const hasExtras = chosenId !== undefined || own !== NO_HEADERS;
  return {
    kind: "record",
    route: { topic, sender, headers: shared ?? routing, dataType, contentType },
    data,
    extras: hasExtras ? encodeExtras({ id: chosenId ?? "", headers: own }) : undefined,
  };
}
