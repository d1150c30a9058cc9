import { getLogger } from "@logtape/logtape";
import type { EventEnvelope } from "../core/envelope.ts";
import type { AgentrtError } from "../core/errors.ts";
import { eventsOf } from "../wire/link/batched-event.ts";
import { BatchPacking, type PackedBatch, plain } from "./batch-packing.ts";
import type { BatchSink, RefusedRecords } from "./frame-sink.ts";
import type { ClosedBatch } from "./outgoing-batches.ts";

const logger = getLogger(["agentrt", "worker"]);

interface Unaccepted {
  readonly batch: ClosedBatch;
  packed: PackedBatch;
  /** Numbers of its first and last records. */
  readonly first: number;
  readonly last: number;
  /** True until it was sent on the connection of now. */
  isToSendAgain: boolean;
}

/**
 * Numbers records as they go out, and keeps their batches until the host has taken them, to send
 * them again when the connection breaks before that. A host knows by the number what it has.
 */
export class UnacceptedBatches {
  #batches: Unaccepted[] = [];
  #lastNumber = 0;
  #isSendingAgain = false;
  readonly #packing = new BatchPacking();

  /** True while batches of an earlier connection have to go out before any other. */
  get isSendingAgain(): boolean {
    return this.#isSendingAgain;
  }

  /** True while somebody waits for the host to have stored a batch. */
  get isAwaited(): boolean {
    return this.#batches.some(({ batch }) => batch.outcome !== undefined);
  }

  /** The host could not store these records. */
  refused({ first, count, error }: RefusedRecords): void {
    const end = first + count;
    for (const one of this.#batches) {
      if (one.first >= first && one.last < end) {
        one.batch.outcome?.reject(error);
        if (one.batch.outcome === undefined) {
          // Nobody waits for it: whoever published was told that it is on its way.
          const topic = String(one.batch.route.route.topic);
          logger.error("the host has refused messages, which are lost", { topic, count, error });
        }
      }
    }
    this.#batches = this.#batches.filter((one) => one.first < first || one.last >= end);
  }

  /** Nobody will hear of them any more. */
  giveUp(error: AgentrtError): void {
    for (const { batch } of this.#batches) {
      batch.outcome?.reject(error);
    }
    this.#batches = [];
    this.#isSendingAgain = false;
  }

  /** Sends a batch for the first time. False: the sink wants no more. */
  send(batch: ClosedBatch, sink: BatchSink): boolean {
    const first = this.#lastNumber + 1;
    this.#lastNumber += batch.records.count;
    const packed = this.#packing.pack(batch, first, sink.encoding);
    this.#batches.push({ batch, packed, first, last: this.#lastNumber, isToSendAgain: false });
    return write(sink, packed, batch);
  }

  /** What a new connection's host has not taken is to be sent again. */
  reconnect(sink: BatchSink): void {
    this.accepted(sink.accepted);
    for (const one of this.#batches) {
      one.isToSendAgain = true;
      const { batch, first, packed } = one;
      if (packed.encoding !== undefined && packed.encoding !== sink.encoding) {
        one.packed = plain(batch, first);
      }
    }
    this.#isSendingAgain = this.#batches.length > 0;
  }

  /** Sends again what there is room for. False: the sink wants no more. */
  sendAgain(sink: BatchSink): boolean {
    for (const one of this.#batches) {
      if (one.isToSendAgain) {
        one.isToSendAgain = false;
        if (!write(sink, one.packed, one.batch)) {
          return false;
        }
      }
    }
    this.#isSendingAgain = false;
    return true;
  }

  /** The host has taken all records up to this one. */
  accepted(last: number): void {
    const next = this.#batches.findIndex((batch) => batch.last > last);
    for (const { batch } of next < 0 ? this.#batches : this.#batches.slice(0, next)) {
      batch.outcome?.resolve();
    }
    this.#batches = next < 0 ? [] : this.#batches.slice(next);
  }

  /**
   * All records up to this one have come. A host that has come by those of a plain topic needs them no more, even
   * when it has not accepted one of a durable topic before them, which may take as long as its disk does.
   */
  received(last: number, isDurable: (topicType: string) => boolean): void {
    if (this.#batches.length > 0) {
      this.#batches = this.#batches.filter(
        ({ batch, last: own }) =>
          own > last || batch.outcome !== undefined || isDurable(batch.route.route.topic.type),
      );
    }
  }

  /** Gives them up to a host that knows no batches. */
  takeEvents(): EventEnvelope[] {
    const batches = this.#batches;
    this.#batches = [];
    this.#isSendingAgain = false;
    for (const { batch } of batches) {
      batch.outcome?.resolve();
    }
    return batches.flatMap(({ batch, first }) => eventsIn(batch, first));
  }

  /** The events of a batch that was never sent, numbered now. */
  numberEvents(batch: ClosedBatch): EventEnvelope[] {
    const first = this.#lastNumber + 1;
    this.#lastNumber += batch.records.count;
    batch.outcome?.resolve();
    return eventsIn(batch, first);
  }
}

function write(
  sink: BatchSink,
  { frame, savedBytes }: PackedBatch,
  { route, records }: ClosedBatch,
): boolean {
  const hasRoom = sink.write(frame, route, records.count, savedBytes);
  if (route.isForgotten) {
    sink.forget(route.number);
  }
  return hasRoom;
}

function eventsIn({ route, records }: ClosedBatch, sequence: number): EventEnvelope[] {
  const { count } = records;
  return eventsOf({
    kind: "batch",
    route: route.route,
    sequence,
    position: 0,
    count,
    records: records.records,
  });
}
