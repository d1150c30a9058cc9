import { AgentrtError } from "../core/errors.ts";
import type { BatchRoute, EventBatch } from "../core/event-batch.ts";
import { RECEIVERS_HEADER } from "../core/routing-headers.ts";
import { assertInflatedFits, inflate } from "../wire/link/compression.ts";
import { type BatchFrame, creditOf, decodeRoute, type RouteFrame } from "../wire/link/frames.ts";
import type { Receipts } from "../wire/link/receipts.ts";

export interface LinkBatchesOptions {
  /** The most that the records of a batch may be, without compression. */
  readonly maxMessageBytes: number;
  readonly receipts: Receipts;
  /** A batch came; `taken` is to be called when it is where there is room for it. @throws AgentrtError `BAD_FRAME` */
  readonly onBatch: (batch: EventBatch, taken: () => void) => void;
  /** The records of a batch cannot be read, and are lost. */
  readonly onUnreadable: (error: AgentrtError) => void;
  /** Says that a record of a durable topic was not handled. */
  readonly nack: (cursor: string, position: number, error: string) => void;
}

/** The batches that come on one link, with the routes that the host has agreed on. */
export class LinkBatches {
  readonly #options: LinkBatchesOptions;
  readonly #routes = new Map<number, BatchRoute>();

  constructor(options: LinkBatchesOptions) {
    this.#options = options;
  }

  agree(route: RouteFrame): void {
    this.#routes.set(route.number, namingReceivers(decodeRoute(route)));
  }

  forget(number: number): void {
    this.#routes.delete(number);
  }

  /** @throws AgentrtError `BAD_FRAME` for a route that was not agreed on */
  take(frame: BatchFrame): void {
    const route = this.#routes.get(frame.route);
    if (route === undefined) {
      throw new AgentrtError("BAD_FRAME", `The host has not agreed on route ${frame.route}.`);
    }
    const { receipts, onBatch, onUnreadable } = this.#options;
    const { sequence, position, count } = frame;
    const credit = creditOf(frame);
    const taken = (): void => receipts.take(credit, count);
    try {
      const records = this.#recordsOf(frame);
      onBatch({ kind: "batch", route, sequence, position, count, records }, taken);
    } catch (thrown) {
      // The host does not look into batches: this one is its publisher's fault, and no reason to go.
      const error = AgentrtError.from(thrown);
      onUnreadable(error);
      this.#refuse(frame, route, error);
      taken();
    }
  }

  #recordsOf({ encoding, records, inflatedBytes }: BatchFrame): Uint8Array {
    if (encoding === 0) {
      return records;
    }
    assertInflatedFits(inflatedBytes, this.#options.maxMessageBytes);
    return inflate(encoding, records, inflatedBytes);
  }

  #refuse({ position, count }: BatchFrame, { cursor }: BatchRoute, error: AgentrtError): void {
    if (cursor !== undefined) {
      for (let index = 0; index < count; index += 1) {
        this.#options.nack(cursor, position + index, `${error.code}: ${error.message}`);
      }
    }
  }
}

/** The dispatcher reads from the headers who an event is for, as in AutoGen's dialect. */
function namingReceivers(route: BatchRoute): BatchRoute {
  const { receivers, headers } = route;
  return receivers.length === 0
    ? route
    : { ...route, headers: { ...headers, [RECEIVERS_HEADER]: receivers.join(",") } };
}
