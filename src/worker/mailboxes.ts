import type { DropReason } from "../core/full-queue.ts";
import type { QueueLimits } from "../core/prioritized-queue.ts";
import type { AgentInstances } from "./agent-instances.ts";
import type { AgentSlot } from "./agent-slot.ts";
import type { Delivery } from "./delivery.ts";
import { Mailbox, type MailboxFullPolicy } from "./mailbox.ts";

export interface MailboxesOptions {
  readonly instances: AgentInstances;
  readonly limits: QueueLimits;
  readonly fullPolicy: MailboxFullPolicy;
  /** Handles one delivery. Must not reject. Undefined when it is handled already. */
  readonly handle: (delivery: Delivery) => Promise<unknown> | undefined;
  /** The mailbox was full, or the runtime stops; with the reason when the delivery has made way for another. */
  readonly onDropped: (delivery: Delivery, reason?: DropReason) => void;
}

/** The mailboxes of the instances of this process. */
export class Mailboxes {
  readonly #options: MailboxesOptions;
  readonly #mailboxes = new Map<AgentSlot, Mailbox<Delivery>>();

  constructor(options: MailboxesOptions) {
    this.#options = options;
    options.instances.onPutAway((slot) => this.#mailboxes.delete(slot));
  }

  /** Made when it is asked for first. */
  of(slot: AgentSlot): Mailbox<Delivery> {
    const existing = this.#mailboxes.get(slot);
    if (existing !== undefined) {
      return existing;
    }
    const { limits, fullPolicy, handle, onDropped } = this.#options;
    const mailbox = new Mailbox<Delivery>({
      limits,
      policy: fullPolicy,
      concurrency: slot.type.policy.concurrency,
      handle,
      onDropped,
      onIdle: () => this.#rest(slot),
    });
    this.#mailboxes.set(slot, mailbox);
    return mailbox;
  }

  find(slot: AgentSlot): Mailbox<Delivery> | undefined {
    return this.#mailboxes.get(slot);
  }

  clear(): void {
    for (const mailbox of this.#mailboxes.values()) {
      mailbox.clear();
    }
  }

  /** Nothing waits for the instance. One that could not be made leaves nothing behind. */
  #rest(slot: AgentSlot): void {
    if (slot.isForgettable) {
      this.#mailboxes.delete(slot);
      this.#options.instances.forget(slot);
    } else {
      slot.type.idle?.add(slot);
    }
  }
}
