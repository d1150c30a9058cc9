import { AgentrtError } from "../../core/errors.ts";
import type { Recurrence } from "../../core/recurrence.ts";
import type { ScheduledMessage, WhenMissed } from "../../core/scheduled-message.ts";
import { TopicId } from "../../core/topic-id.ts";
import { WhenMissed as Missed } from "../gen/agentrt/v1/durable_pb.ts";
import type { DurableAnswer, DurableRequest, DurableRequestInit } from "./codec.ts";

type Asked = NonNullable<DurableRequest<"setSchedule">["schedule"]>;
type AskedInit = NonNullable<DurableRequestInit<"setSchedule">["schedule"]>;
type Listed = DurableAnswer<"listSchedules">["schedules"][number];

/** What is told of a schedule: everything but the message itself, as far as it is known. */
export interface ScheduleFacts {
  readonly name: string;
  readonly nextAtMs: number;
  readonly whenMissed: WhenMissed;
  /** Undefined when it is damaged, as the topic. */
  readonly recurrence: Recurrence | undefined;
  readonly topic: TopicId | undefined;
  readonly dataType: string;
  /** Why it does not come any more. */
  readonly problem: string | undefined;
}

export function encodeSchedule(schedule: ScheduledMessage): AskedInit {
  const { name, topic, recurrence, whenMissed, payload, headers } = schedule;
  const { dataType, contentType, data } = payload;
  return {
    ...{ name, dataType, contentType, payload: data, headers: { ...headers } },
    ...{ topicType: topic.type, topicSource: topic.source },
    ...timesOf(recurrence, whenMissed),
  };
}

/** @throws AgentrtError `INVALID_OPTION`, `INVALID_TOPIC` */
export function decodeSchedule(asked: Asked | undefined): ScheduledMessage {
  if (asked === undefined) {
    throw new AgentrtError("INVALID_OPTION", "The request names no schedule.");
  }
  const { name, dataType, contentType, payload: data, headers } = asked;
  const recurrence = recurrenceIn(asked);
  if (recurrence === undefined) {
    throw new AgentrtError("INVALID_OPTION", "The schedule has no times: give cron or every_ms.");
  }
  return {
    name,
    topic: new TopicId(asked.topicType, asked.topicSource),
    recurrence,
    whenMissed: whenMissedIn(asked),
    payload: { dataType, contentType, data },
    headers,
  };
}

export function encodeScheduleFacts(facts: ScheduleFacts) {
  const { name, nextAtMs, topic, whenMissed, recurrence, dataType, problem } = facts;
  return {
    schedule: {
      ...{ name, dataType, topicType: topic?.type ?? "", topicSource: topic?.source ?? "" },
      ...(recurrence === undefined ? {} : timesOf(recurrence, whenMissed)),
    },
    nextAtMs: BigInt(nextAtMs),
    problem: problem ?? "",
  };
}

/** @throws AgentrtError `INVALID_TOPIC` */
export function decodeScheduleFacts({ schedule, nextAtMs, problem }: Listed): ScheduleFacts {
  const { name = "", dataType = "", topicType = "", topicSource = "" } = schedule ?? {};
  return {
    name,
    nextAtMs,
    whenMissed: schedule === undefined ? "once" : whenMissedIn(schedule),
    recurrence: schedule === undefined ? undefined : recurrenceIn(schedule),
    topic: topicType === "" ? undefined : new TopicId(topicType, topicSource),
    dataType,
    problem: problem === "" ? undefined : problem,
  };
}

function timesOf(
  recurrence: Recurrence,
  whenMissed: WhenMissed,
): Pick<AskedInit, "recurrence" | "timeZone" | "whenMissed"> {
  const missed = whenMissed === "skip" ? Missed.SKIP : Missed.UNSPECIFIED;
  return recurrence.kind === "cron"
    ? {
        recurrence: { case: "cron", value: recurrence.pattern },
        timeZone: recurrence.timeZone ?? "",
        whenMissed: missed,
      }
    : {
        recurrence: { case: "everyMs", value: BigInt(recurrence.everyMs) },
        whenMissed: missed,
      };
}

function recurrenceIn({
  recurrence,
  timeZone,
}: {
  readonly recurrence: {
    readonly case?: "cron" | "everyMs" | undefined;
    readonly value?: string | bigint | number | undefined;
  };
  readonly timeZone: string;
}): Recurrence | undefined {
  switch (recurrence.case) {
    case "cron": {
      const zone = timeZone === "" ? undefined : timeZone;
      return { kind: "cron", pattern: String(recurrence.value), timeZone: zone };
    }
    case "everyMs":
      return { kind: "every", everyMs: Number(recurrence.value) };
    case undefined:
      return undefined;
    default:
      return recurrence.case satisfies never;
  }
}

function whenMissedIn({ whenMissed }: { readonly whenMissed: Missed }): WhenMissed {
  return whenMissed === Missed.SKIP ? "skip" : "once";
}
