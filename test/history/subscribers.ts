/** The agents of a run: what each is promised, and which processes hold it. */
import type { SubscriberDeclared } from "./history.ts";
import { DURABLE_TOPICS, PLAIN_TOPICS } from "./messages.ts";

export interface SubscriberPlan extends Omit<SubscriberDeclared, "at" | "kind"> {
  readonly processes: readonly string[];
}

const DURABLE = {
  topicTypes: DURABLE_TOPICS,
  isDurable: true,
  isCounting: false,
  mayFail: false,
  isShared: false,
} as const;

export const SUBSCRIBERS = {
  counter: { ...DURABLE, agentType: "counter", isCounting: true, processes: ["s1"] },
  flaky: {
    ...DURABLE,
    agentType: "flaky",
    topicTypes: ["d.other"],
    mayFail: true,
    processes: ["s1"],
  },
  recorder: { ...DURABLE, agentType: "recorder", processes: ["s2"] },
  sharer: {
    ...DURABLE,
    agentType: "sharer",
    topicTypes: ["d.orders"],
    isShared: true,
    processes: ["s2", "s3"],
  },
  listener: {
    ...DURABLE,
    agentType: "listener",
    topicTypes: PLAIN_TOPICS,
    isDurable: false,
    processes: ["s3"],
  },
} as const satisfies Record<string, SubscriberPlan>;

/** Answers calls; no subscriber. */
export const ANSWERER = { agentType: "answerer", process: "s2" } as const;
