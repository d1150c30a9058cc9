import type { Headers, Payload } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { Priority } from "../core/priority.ts";
import type { Recurrence } from "../core/recurrence.ts";
import type { WhenMissed } from "../core/scheduled-message.ts";
import type { TopicId } from "../core/topic-id.ts";
import { DurableAdminClient } from "../wire/durable-admin/client.ts";
import {
  decodeScheduleFacts,
  encodeSchedule,
  type ScheduleFacts,
} from "../wire/durable-admin/schedules.ts";
import { eventFor } from "./outgoing.ts";

/** When a scheduled message comes: by `cron` or by `everyMs`, one of both. */
export interface ScheduleOptions {
  /** A pattern of five fields, or six with seconds first, such as `0 7 * * mon-fri`. */
  readonly cron?: string;
  /** For `cron`, such as `Europe/Berlin`. Default: the host's. */
  readonly timeZone?: string;
  /** Milliseconds between two, at least 1,000; the first comes so long after it was set. */
  readonly everyMs?: number;
  /**
   * What becomes of the times that pass while the host does not run: `once` publishes one message for all of them
   * when it is back, `skip` none. Default: `once`.
   */
  readonly whenMissed?: WhenMissed;
  /** Default: `normal`. */
  readonly priority?: Priority;
  readonly headers?: Headers;
}

/** A schedule of a host. */
export interface ScheduleInfo {
  readonly name: string;
  readonly nextAt: Date;
  readonly whenMissed: WhenMissed;
  /** Absent, as `topic`, when what is stored of it is damaged; see `problem`. */
  readonly cron?: string;
  readonly timeZone?: string;
  readonly everyMs?: number;
  readonly topic?: TopicId;
  /** The name of its message's type. */
  readonly dataType: string;
  /** Why it does not come any more. */
  readonly problem?: string;
}

export interface HostSchedulesParts {
  readonly hostAddress: string;
  readonly maxMessageBytes: number;
  readonly timeoutMs: number;
  readonly encode: (message: object) => Payload;
}

/**
 * The recurring schedules of a host: messages that it publishes on durable topics again and again, whoever is
 * there. They are in its data folder, so they outlive it; each time comes once, under an id of its own.
 * Every method may reject with `NOT_CONNECTED`, `DEADLINE`, `NOT_SUPPORTED` (the host is not agentrt),
 * `DURABLE_NEEDS_DATA` (it has no data folder) and the `STORE_…` codes.
 */
export class HostSchedules {
  readonly #parts: HostSchedulesParts;

  /** @internal A runtime makes its own. */
  constructor(parts: HostSchedulesParts) {
    this.#parts = parts;
  }

  /**
   * Publishes a message on a durable topic again and again. Replaces a schedule of the same name, whoever made it.
   * @returns when it comes first
   * @throws AgentrtError `NOT_DURABLE` when the topic is not, `INVALID_OPTION`, `UNTYPED_MESSAGE`, `INVALID_MESSAGE`
   */
  async set(
    name: string,
    message: object,
    topic: TopicId,
    options: ScheduleOptions,
  ): Promise<Date> {
    const { whenMissed = "once", priority, headers } = options;
    const recurrence = recurrenceOf(options);
    const event = eventFor(topic, this.#parts.encode(message), {
      ...(priority === undefined ? {} : { priority }),
      ...(headers === undefined ? {} : { headers }),
    });
    const schedule = encodeSchedule({
      ...{ name, recurrence, whenMissed, topic: event.topic },
      ...{ payload: event.payload, headers: event.headers },
    });
    using client = this.#dial();
    const { nextAtMs } = await client.call("setSchedule", { schedule }, this.#parts.timeoutMs);
    return new Date(nextAtMs);
  }

  /** Those of all makers, by name. */
  async list(): Promise<readonly ScheduleInfo[]> {
    using client = this.#dial();
    const all: ScheduleInfo[] = [];
    for (let after = ""; ; ) {
      const page = await client.call("listSchedules", { after }, this.#parts.timeoutMs);
      all.push(...page.schedules.map(decodeScheduleFacts).map(infoOf));
      const last = all.at(-1);
      if (last === undefined || page.schedules.length === 0) {
        return all;
      }
      after = last.name;
    }
  }

  /** False when there was none. */
  async remove(name: string): Promise<boolean> {
    using client = this.#dial();
    return (await client.call("removeSchedule", { name }, this.#parts.timeoutMs)).wasThere;
  }

  #dial(): DurableAdminClient {
    const { hostAddress, maxMessageBytes } = this.#parts;
    return new DurableAdminClient(hostAddress, { maxMessageBytes });
  }
}

function recurrenceOf({ cron, everyMs, timeZone }: ScheduleOptions): Recurrence {
  if ((cron === undefined) === (everyMs === undefined)) {
    throw new AgentrtError("INVALID_OPTION", "A schedule needs one of cron and everyMs.", {
      data: { option: "cron" },
    });
  }
  if (everyMs !== undefined && !(Number.isSafeInteger(everyMs) && everyMs > 0)) {
    throw new AgentrtError("INVALID_OPTION", `everyMs is ${everyMs}. Give whole milliseconds.`, {
      data: { option: "everyMs" },
    });
  }
  if (everyMs !== undefined && timeZone !== undefined) {
    throw new AgentrtError("INVALID_OPTION", "timeZone belongs to cron; leave it out.", {
      data: { option: "timeZone" },
    });
  }
  return everyMs === undefined
    ? { kind: "cron", pattern: cron ?? "", timeZone }
    : { kind: "every", everyMs };
}

function infoOf(facts: ScheduleFacts): ScheduleInfo {
  const { name, nextAtMs, whenMissed, recurrence, topic, dataType, problem } = facts;
  const { timeZone } = recurrence?.kind === "cron" ? recurrence : { timeZone: undefined };
  return {
    ...{ name, nextAt: new Date(nextAtMs), whenMissed, dataType },
    ...(recurrence?.kind === "cron" ? { cron: recurrence.pattern } : {}),
    ...(recurrence?.kind === "every" ? { everyMs: recurrence.everyMs } : {}),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(topic === undefined ? {} : { topic }),
    ...(problem === undefined ? {} : { problem }),
  };
}
