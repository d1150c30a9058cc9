import type { Agent } from "../core/agent.ts";
import type { EventEnvelope } from "../core/envelope.ts";
import type { BatchedEvent } from "../wire/link/batched-event.ts";
import type { AgentSlot } from "./agent-slot.ts";
import type { Delivery } from "./delivery.ts";
import type { Mailbox } from "./mailbox.ts";

export interface StraightRunParts {
  readonly isRefusing: () => boolean;
  /** Handles an event; undefined when that has ended already. Neither throws nor rejects. */
  readonly handle: (
    slot: AgentSlot,
    agent: Agent,
    event: EventEnvelope,
  ) => Promise<unknown> | undefined;
  /** Gives an event to the instance's mailbox. */
  readonly offer: (slot: AgentSlot, event: BatchedEvent) => void;
}

/** An instance with nothing before it. */
interface Free {
  readonly slot: AgentSlot;
  readonly agent: Agent;
  readonly box: Mailbox<Delivery>;
  /** What it is busy with at the end of the run. */
  pending: Promise<unknown> | undefined;
}

/**
 * Hands the events of a batch to instances that have nothing before them, one after the other in one
 * turn. To give each event a place in a mailbox costs more than all the rest, and while handlers end at
 * once nothing could overtake there.
 */
export class StraightRun {
  readonly #parts: StraightRunParts;

  constructor(parts: StraightRunParts) {
    this.#parts = parts;
  }

  /**
   * Goes on until a handler does not end at once or something else is in the way.
   * @param boxes the mailboxes of the slots, in their order
   * @returns the index of the first event that was not dealt with
   */
  run(
    slots: readonly AgentSlot[],
    boxes: readonly Mailbox<Delivery>[],
    events: readonly BatchedEvent[],
    from: number,
  ): number {
    const receivers = freeOnes(slots, boxes);
    if (receivers === undefined) {
      return from;
    }
    const { isRefusing } = this.#parts;
    for (const { slot, box } of receivers) {
      slot.type.idle?.remove(slot);
      box.enter();
    }
    let next = from;
    for (let goesOn = true; goesOn && next < events.length && !isRefusing(); ) {
      const event = events[next] as BatchedEvent;
      if (event.isNamed) {
        break;
      }
      goesOn = this.#handle(receivers, event);
      next += 1;
    }
    for (const { box, pending } of receivers) {
      box.leave(pending);
    }
    return next;
  }

  /** False when the run is over with this event. */
  #handle(receivers: readonly Free[], event: BatchedEvent): boolean {
    let goesOn = true;
    for (const receiver of receivers) {
      const { slot, agent } = receiver;
      if (slot.living === agent) {
        receiver.pending = this.#parts.handle(slot, agent, event);
        goesOn = goesOn && receiver.pending === undefined;
      } else {
        // A handler of this batch has had it made anew.
        this.#parts.offer(slot, event);
        goesOn = false;
      }
    }
    return goesOn;
  }
}

/** Undefined unless all of them are free, and need no more than to get the event. */
function freeOnes(
  slots: readonly AgentSlot[],
  boxes: readonly Mailbox<Delivery>[],
): Free[] | undefined {
  const receivers: Free[] = [];
  for (const [index, slot] of slots.entries()) {
    const box = boxes[index];
    const { living: agent, type, isStored } = slot;
    const isSimple =
      type.circuit === undefined && type.policy.handlerTimeoutMs === undefined && !isStored;
    if (agent === undefined || box?.isFree !== true || !isSimple) {
      return undefined;
    }
    receivers.push({ slot, agent, box, pending: undefined });
  }
  return receivers.length === 0 ? undefined : receivers;
}
