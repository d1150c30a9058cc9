import { AgentrtError } from "../core/errors.ts";
import {
  FULL_QUEUE_POLICIES,
  type FullQueuePolicy,
  isFullQueuePolicy,
} from "../core/full-queue.ts";
import { retainedSlotOf } from "../core/retained-slot.ts";
import { RECEIVERS_HEADER } from "../core/routing-headers.ts";
import { matchesPattern, type TopicPattern, topicPattern } from "../core/topic-pattern.ts";
import { frameOfLastRecord } from "./last-record.ts";
import type { OutboundFrame } from "./outbox.ts";

/** Topic types come from peers, so what is known of them is bounded; beyond, it begins anew. */
const MAX_KNOWN = 10_000;

/** How a frame that has to wait makes way for others. */
export interface YieldingFrame {
  readonly frame: OutboundFrame;
  /** Of the waiting ones with this key only the newest is of use. */
  readonly key: string | undefined;
  /** Messages that are not in the frame any more, because its last one has taken their place. */
  readonly superseded: number;
}

/** What a full queue does with the messages of each topic, as the host's settings say. */
export class FullQueuePolicies {
  /** The longest pattern first, and an exact one before a prefix. */
  readonly #rules: readonly { readonly pattern: TopicPattern; readonly policy: FullQueuePolicy }[];
  readonly #known = new Map<string, FullQueuePolicy>();

  /** @param declared by topic type, or by the beginning of topic types with `*` behind. @throws AgentrtError `INVALID_OPTION` */
  constructor(declared: Readonly<Record<string, FullQueuePolicy>> = {}) {
    this.#rules = Object.entries(declared)
      .map(([text, policy]) => ({
        pattern: topicPattern(text, "fullQueue"),
        policy: known(policy),
      }))
      .sort((a, b) => rank(b.pattern) - rank(a.pattern));
  }

  of(topicType: string): FullQueuePolicy {
    if (this.#rules.length === 0) {
      return "block";
    }
    const before = this.#known.get(topicType);
    if (before !== undefined) {
      return before;
    }
    const policy =
      this.#rules.find(({ pattern }) => matchesPattern(pattern, topicType))?.policy ?? "block";
    if (this.#known.size >= MAX_KNOWN) {
      this.#known.clear();
    }
    this.#known.set(topicType, policy);
    return policy;
  }

  /**
   * Undefined for a frame that makes no way: calls and answers, and events that slow their publishers down.
   * @param isSentAgain true for one that may have arrived before, and is known there by its first record
   */
  yielding(frame: OutboundFrame, isSentAgain: boolean): YieldingFrame | undefined {
    const { envelope, out } = frame;
    if (this.#rules.length === 0 || (envelope.kind !== "event" && envelope.kind !== "batch")) {
      return undefined;
    }
    switch (this.of(envelope.topic.type)) {
      case "block":
        return undefined;
      case "drop-oldest":
        return { frame, key: undefined, superseded: 0 };
      default: {
        // A frame for some agent types takes no other's place, who would miss it.
        const receivers = out?.receivers.join(",") ?? envelope.headers[RECEIVERS_HEADER];
        const key = `${retainedSlotOf(envelope)}\n${receivers ?? ""}`;
        const last = isSentAgain ? undefined : frameOfLastRecord(frame);
        return { frame: last ?? frame, key, superseded: lost(frame, last) };
      }
    }
  }
}

function lost({ envelope }: OutboundFrame, last: OutboundFrame | undefined): number {
  return last === undefined || envelope.kind !== "batch" ? 0 : envelope.count - 1;
}

function rank({ kind, text }: TopicPattern): number {
  return kind === "type" ? Number.POSITIVE_INFINITY : text.length;
}

function known(policy: string): FullQueuePolicy {
  if (!isFullQueuePolicy(policy)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `Host option fullQueue says "${policy}"; give one of ${FULL_QUEUE_POLICIES.join(", ")}.`,
      { data: { option: "fullQueue" } },
    );
  }
  return policy;
}
