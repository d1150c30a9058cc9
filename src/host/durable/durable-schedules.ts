import { getLogger } from "@logtape/logtape";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { PRESENCE_TOPIC } from "../../core/presence.ts";
import { nextTimeOf } from "../../core/recurrence.ts";
import { DELIVER_AT_HEADER, RETAIN_HEADER } from "../../core/routing-headers.ts";
import type { ScheduledMessage } from "../../core/scheduled-message.ts";
import type { MessageLog } from "../../store/log/message-log.ts";
import type { DurableCounts } from "./durable-counts.ts";
import type { DurableTopics } from "./durable-topics.ts";
import { type KnownSchedule, knownSchedule, patternOf } from "./known-schedule.ts";
import { commonOf, oneRecord } from "./stored-form.ts";

const logger = getLogger(["agentrt", "host"]);

/** Bounds what is looked through each time that one is due. */
const MAX_SCHEDULES = 10_000;
const AGAIN_MS = 1_000;
const NAME = /^[^\s\p{Cc}]{1,200}$/u;

export interface DurableSchedulesParts {
  readonly log: MessageLog | undefined;
  readonly topics: DurableTopics;
  readonly counts: DurableCounts;
  /** The message of a schedule came into the log. */
  readonly onFired: (topicType: string, position: number) => Promise<void>;
}

/** The recurring schedules of a host, which are in its message log. */
export class DurableSchedules {
  readonly #parts: DurableSchedulesParts;
  /** By name. */
  #known = new Map<string, KnownSchedule>();
  #openedAtMs = 0;
  /** Undefined until it is looked up. */
  #nextAtMs: number | undefined;

  constructor(parts: DurableSchedulesParts) {
    this.#parts = parts;
  }

  /** When {@link fireDue} has something to do. */
  get nextAtMs(): number {
    this.#nextAtMs ??= Array.from(this.#known.values(), ({ tryAtMs }) => tryAtMs).reduce(
      (least, atMs) => Math.min(least, atMs),
      Number.POSITIVE_INFINITY,
    );
    return this.#nextAtMs;
  }

  /** Reads what is stored. What was due before now was missed. @throws AgentrtError as the log */
  async open(nowMs: number): Promise<void> {
    this.#openedAtMs = nowMs;
    await this.#refresh();
    for (const { name, problem } of this.#known.values()) {
      if (problem !== undefined) {
        logger.error("a schedule cannot be used; remove it and make it again", { name, problem });
      }
    }
  }

  list(): readonly KnownSchedule[] {
    return [...this.#known.values()];
  }

  /**
   * Replaces an earlier one of the same name.
   * @returns when it comes first
   * @throws AgentrtError `INVALID_OPTION`, `NOT_DURABLE`, `RESERVED_TOPIC`, `TOO_MANY`, `INVALID_TOPIC`; as the log
   */
  async put(request: ScheduledMessage, nowMs: number): Promise<number> {
    const { name, topic, recurrence, payload, headers } = request;
    this.#assertLegal(request);
    const declaration = this.#parts.topics.declarationFor(topic.type);
    if (declaration === undefined) {
      throw new AgentrtError(
        "NOT_DURABLE",
        `Topic ${topic.type} is not durable, so nothing can be scheduled on it. "agentrt topic set ${topic.type} --durable" makes it so.`,
        { data: { topic: topic.type } },
      );
    }
    const nextAtMs = nextTimeOf(recurrence, nowMs, nowMs);
    if (nextAtMs === undefined) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `Schedule "${name}" would never come: all of its times have passed.`,
        { data: { schedule: name } },
      );
    }
    const { dataType, contentType, data } = payload;
    const route = { topic, sender: undefined, headers, dataType, contentType };
    const fields = { ...commonOf(route, declaration), ...oneRecord(data, undefined) };
    // Its own producer and sequence come when it fires.
    const batch = { ...fields, producer: "schedule", sequence: 0 };
    const schedule = { name, pattern: patternOf(request), nextAtMs, batch };
    await this.#parts.log?.putSchedule(schedule);
    this.#put(knownSchedule({ ...schedule, problem: undefined }));
    return nextAtMs;
  }

  /** False when there was none. @throws AgentrtError as the log */
  async remove(name: string): Promise<boolean> {
    const wasThere = (await this.#parts.log?.removeSchedule(name)) ?? false;
    this.#known.delete(name);
    this.#nextAtMs = undefined;
    return wasThere;
  }

  /** Publishes what is due. What could not be stored is tried again. Does not reject. */
  async fireDue(nowMs: number): Promise<void> {
    for (const schedule of [...this.#known.values()].filter((one) => one.tryAtMs <= nowMs)) {
      try {
        await this.#fire(schedule, nowMs);
      } catch (error) {
        this.#put({ ...schedule, tryAtMs: nowMs + AGAIN_MS });
        logger.error("what a schedule publishes could not be stored; it is tried again", {
          ...{ schedule: schedule.name, error: messageOf(error) },
        });
      }
    }
  }

  async #fire(schedule: KnownSchedule, nowMs: number): Promise<void> {
    const { name, recurrence, nextAtMs, topic, whenMissed } = schedule;
    const { log, counts, topics, onFired } = this.#parts;
    if (recurrence === undefined || topic === undefined) {
      return;
    }
    const wasMissed = nextAtMs < this.#openedAtMs;
    const isDurable = topics.declarationFor(topic.type) !== undefined;
    const isSkipped = !isDurable || (wasMissed && whenMissed === "skip");
    const next = nextTimeOf(recurrence, nowMs, nextAtMs);
    const firing = isSkipped ? "skip" : "publish";
    const position = await log?.fireSchedule(name, nextAtMs, next, firing);
    if (position === undefined) {
      // It was replaced or removed meanwhile.
      await this.#refresh();
      return;
    }
    this.#moveOn(schedule, next);
    counts[isSkipped ? "schedulesSkipped" : "schedulesFired"] += 1;
    if (!isSkipped) {
      await onFired(topic.type, position);
    } else if (!isDurable) {
      const facts = { schedule: name, topic: topic.toString() };
      logger.warn("a schedule was skipped, because its topic is not durable any more", facts);
    }
  }

  #moveOn(schedule: KnownSchedule, nextAtMs: number | undefined): void {
    // A replacement has the name by now.
    if (this.#known.get(schedule.name) !== schedule) {
      return;
    }
    if (nextAtMs === undefined) {
      this.#known.delete(schedule.name);
      this.#nextAtMs = undefined;
    } else {
      this.#put({ ...schedule, nextAtMs, tryAtMs: nextAtMs });
    }
  }

  #put(schedule: KnownSchedule): void {
    this.#known.set(schedule.name, schedule);
    this.#nextAtMs = undefined;
  }

  async #refresh(): Promise<void> {
    const stored = (await this.#parts.log?.listSchedules()) ?? [];
    this.#known = new Map(stored.map((one) => [one.name, knownSchedule(one)]));
    this.#nextAtMs = undefined;
  }

  #assertLegal({ name, topic, headers }: ScheduledMessage): void {
    if (!NAME.test(name)) {
      throw new AgentrtError(
        "INVALID_OPTION",
        "The name of a schedule is 1 to 200 characters without spaces, such as watering.",
        { data: { option: "name" } },
      );
    }
    if (topic.equals(PRESENCE_TOPIC)) {
      throw new AgentrtError(
        "RESERVED_TOPIC",
        `Only the host publishes on ${PRESENCE_TOPIC}. Choose another topic.`,
      );
    }
    const idle = [RETAIN_HEADER, DELIVER_AT_HEADER].find((header) => header in headers);
    if (idle !== undefined) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `The header "${idle}" means nothing for a schedule. Leave it out.`,
        { data: { header: idle } },
      );
    }
    if (!this.#known.has(name) && this.#known.size >= MAX_SCHEDULES) {
      throw new AgentrtError(
        "TOO_MANY",
        `There are ${MAX_SCHEDULES} schedules, which is the most. Remove some first.`,
        { data: { limit: MAX_SCHEDULES } },
      );
    }
  }
}
