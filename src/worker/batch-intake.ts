import type { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { type EventBatch, recordId } from "../core/event-batch.ts";
import { makesWay } from "../core/full-queue.ts";
import { PRIORITIES, type Priority, priorityOf } from "../core/priority.ts";
import { type BatchedEvent, eventsOf } from "../wire/link/batched-event.ts";
import type { AgentInstances } from "./agent-instances.ts";
import type { AgentSlot } from "./agent-slot.ts";
import type { Delivery } from "./delivery.ts";
import type { MutableDispatchCounts } from "./dispatch-counts.ts";
import type { DurableIntake, DurableRecord } from "./durable-intake.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Receivers } from "./receivers.ts";
import type { Repeats } from "./repeats.ts";
import type { StraightRun } from "./straight-run.ts";
import type { WorkCount } from "./work-count.ts";

export interface BatchIntakeParts {
  readonly receivers: Receivers;
  readonly instances: AgentInstances;
  readonly repeats: Repeats;
  readonly mailboxes: Mailboxes;
  readonly counts: MutableDispatchCounts;
  readonly durable: DurableIntake;
  /** Gives an event to an instance. @throws AgentrtError when the runtime stops */
  readonly offer: (slot: AgentSlot, event: BatchedEvent) => void;
  /** As `offer`, for an event of a topic that makes way for others. */
  readonly offerYielding: (slot: AgentSlot, event: BatchedEvent) => void;
  readonly lose: (id: AgentId, event: EventEnvelope, error: AgentrtError) => void;
  /** For an event with an id of its own, which may have come before by another way. */
  readonly deliverNamed: (event: BatchedEvent) => void;
  readonly straight: StraightRun | undefined;
  readonly work: WorkCount;
}

interface Intake {
  /** Set on a batch of a durable topic. */
  readonly cursor: string | undefined;
  /** Of the first event, on such a batch. */
  readonly position: number;
  readonly events: readonly BatchedEvent[];
  next: number;
  /** It needs no room in a mailbox first: it is urgent, or its topic lets messages go rather than hold publishers back. */
  readonly goesAhead: boolean;
  /** How its events are given to instances. */
  readonly offer: BatchIntakeParts["offer"];
  readonly taken: () => void;
}

/**
 * Takes batches apart for the agents of this process. What a crowded mailbox has no room for waits
 * here, and is not reported as taken, which slows its publishers down in the end; batches for other
 * agents go on.
 */
export class BatchIntake {
  readonly #parts: BatchIntakeParts;
  /** Batches that wait for a mailbox, the oldest first. */
  readonly #waiting = new Map<Mailbox<Delivery>, Intake[]>();
  /** Came in this turn. All of it is there before the first is handled, so that the urgent ones go first. */
  #arrived: Record<Priority, Intake[]> = { high: [], normal: [], low: [] };
  #isHandlingDue = false;

  constructor(parts: BatchIntakeParts) {
    this.#parts = parts;
  }

  /** @param taken called when all records are where there is room for them. @throws AgentrtError `BAD_FRAME` */
  take(batch: EventBatch, taken: () => void): void {
    const { repeats, counts, offer, offerYielding } = this.#parts;
    const { route, count } = batch;
    counts.eventsIn += count;
    const { cursor } = route;
    if (
      cursor === undefined &&
      repeats.isRepeated(batch, { id: nameOf(batch), topic: route.topic })
    ) {
      counts.duplicates += count;
      taken();
      return;
    }
    const priority = priorityOf(route.headers);
    const { position } = batch;
    const yields = cursor === undefined && makesWay(route.fullQueue);
    const goesAhead = priority === "high" || yields;
    this.#arrived[priority].push({
      ...{ events: eventsOf(batch), next: 0, goesAhead, taken, cursor, position },
      offer: yields ? offerYielding : offer,
    });
    this.#parts.work.begin();
    if (!this.#isHandlingDue) {
      this.#isHandlingDue = true;
      queueMicrotask(this.#handleArrived);
    }
  }

  /** To be called before a message comes by another way: what has arrived before it gets its place before it. */
  settle(): void {
    if (this.#isHandlingDue) {
      this.#deliverArrived(false);
    }
  }

  /** Lets go of what waits; each of its records is lost, and reported. */
  close(): void {
    this.settle();
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const intake of waiting) {
      this.#deliver({ ...intake, goesAhead: true }, false);
    }
  }

  readonly #handleArrived = (): void => {
    this.#isHandlingDue = false;
    this.#deliverArrived(true);
  };

  /** @param isStraight false to give everything a place in the mailboxes first */
  #deliverArrived(isStraight: boolean): void {
    const arrived = this.#arrived;
    this.#arrived = { high: [], normal: [], low: [] };
    for (const priority of PRIORITIES) {
      for (const intake of arrived[priority]) {
        this.#go(intake, isStraight);
        this.#parts.work.end();
      }
    }
  }

  #go(intake: Intake, isStraight: boolean): void {
    const obstacle = this.#deliver(intake, isStraight);
    if (obstacle === undefined) {
      intake.taken();
      return;
    }
    const waiting = this.#waiting.get(obstacle);
    if (waiting === undefined) {
      this.#waiting.set(obstacle, [intake]);
      obstacle.onRelief(() => this.#goOn(obstacle));
    } else {
      waiting.push(intake);
    }
  }

  #goOn(mailbox: Mailbox<Delivery>): void {
    const waiting = this.#waiting.get(mailbox) ?? [];
    for (let intake = waiting[0]; intake !== undefined; intake = waiting[0]) {
      if (this.#deliver(intake, false, mailbox) !== undefined) {
        mailbox.onRelief(() => this.#goOn(mailbox));
        return;
      }
      waiting.shift();
      intake.taken();
    }
    this.#waiting.delete(mailbox);
  }

  /**
   * Delivers as much as there is room for. Returns the mailbox that has none.
   * @param isStraight true when free instances may get events at once
   * @param own the mailbox that the batch has waited for: it is its turn there
   */
  #deliver(
    intake: Intake,
    isStraight: boolean,
    own?: Mailbox<Delivery>,
  ): Mailbox<Delivery> | undefined {
    const { receivers, mailboxes, counts, straight } = this.#parts;
    const { events, goesAhead } = intake;
    const [first] = events;
    const slots = first === undefined ? [] : this.#slotsOf(receivers.of(first), intake);
    const boxes = slots.map((slot) => mailboxes.of(slot));
    const queued = goesAhead
      ? undefined
      : boxes.find((box) => box !== own && this.#waiting.has(box));
    if (queued !== undefined) {
      return queued;
    }
    if (isStraight && straight !== undefined && intake.cursor === undefined) {
      intake.next = straight.run(slots, boxes, events, intake.next);
    }
    for (; intake.next < events.length; intake.next += 1) {
      const event = events[intake.next] as BatchedEvent;
      const crowded = goesAhead ? undefined : boxes.find((box) => box.isCrowded);
      if (crowded !== undefined) {
        return crowded;
      }
      if (intake.cursor !== undefined) {
        const record = { cursor: intake.cursor, position: intake.position + intake.next };
        this.#offerDurable(slots[0], event, record);
      } else if (event.isNamed) {
        counts.eventsIn -= 1;
        this.#parts.deliverNamed(event);
      } else {
        this.#offer(slots, event, intake.offer);
      }
    }
    return undefined;
  }

  /** A durable batch is for one agent type, so for one instance, or for none when that has published it itself. */
  #offerDurable(slot: AgentSlot | undefined, event: BatchedEvent, record: DurableRecord): void {
    const { durable } = this.#parts;
    const { sender, receivers, topic } = event.route;
    if (
      slot === undefined &&
      sender !== undefined &&
      receivers.includes(sender.type) &&
      sender.key === topic.source
    ) {
      durable.ack(record);
    } else {
      durable.take(slot, event, record);
    }
  }

  #offer(slots: readonly AgentSlot[], event: BatchedEvent, offer: Intake["offer"]): void {
    if (slots.length === 0) {
      this.#parts.counts.eventsUnmatched += 1;
      return;
    }
    for (const slot of slots) {
      try {
        offer(slot, event);
      } catch (error) {
        this.#parts.lose(slot.id, event, AgentrtError.from(error));
      }
    }
  }

  /** The slots of the receivers; for one that cannot be had, every event is lost. */
  #slotsOf(ids: readonly AgentId[], intake: Intake): AgentSlot[] {
    const { instances, lose } = this.#parts;
    const slots: AgentSlot[] = [];
    for (const id of ids) {
      try {
        slots.push(instances.slot(id));
      } catch (error) {
        // A durable record is reported where it is offered.
        const lost = intake.cursor === undefined ? intake.events.slice(intake.next) : [];
        for (const event of lost) {
          lose(id, event, AgentrtError.from(error));
        }
      }
    }
    return slots;
  }
}

/** One batch may come for one agent type now and for another later. */
function nameOf({ route, sequence }: EventBatch): string {
  return `${recordId(route.producer, sequence)} ${route.receivers.join()}`;
}
