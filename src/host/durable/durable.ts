import { getLogger } from "@logtape/logtape";
import { Cron } from "croner";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import type { DurableReport } from "../../core/host-report.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { LogFacts, MessageLog } from "../../store/log/message-log.ts";
import type { Schedule } from "../../store/log/schedules.ts";
import type { IncidentLog } from "../incident-log.ts";
import { Cursors, type CursorsParts } from "./cursors.ts";
import { DurablePublisher } from "./durable-publisher.ts";
import { DurableTopics, durablePatternText } from "./durable-topics.ts";

const logger = getLogger(["agentrt", "host"]);

/** How often what is kept too long is removed. */
const RETENTION_MS = 60_000;
/** How often schedules and the log's size are looked at. */
const SCHEDULES_MS = 1_000;

export interface DurableParts {
  readonly log: MessageLog | undefined;
  readonly configured: readonly TopicPattern[];
  readonly incidents: IncidentLog;
}

/** Durable topics of one host: what is declared, what is stored, and who still has to get it. */
export class Durable {
  readonly topics: DurableTopics;
  readonly cursors: Cursors;
  readonly publisher: DurablePublisher;
  readonly #log: MessageLog | undefined;
  #nextDueAtMs = Number.POSITIVE_INFINITY;
  #nextRetentionAtMs = 0;
  #nextSchedulesAtMs = 0;
  #working: Promise<void> | undefined;
  #facts: LogFacts | undefined;
  #isClosed = false;

  /** @throws AgentrtError `DURABLE_NEEDS_DATA` */
  constructor({ log, configured, incidents }: DurableParts) {
    this.#log = log;
    this.topics = new DurableTopics(log, configured);
    this.cursors = new Cursors(log);
    this.publisher = new DurablePublisher({
      log,
      incidents,
      counts: this.cursors.counts,
      onAppended: (topicType) => this.cursors.wake(topicType),
      onDelayed: (atMs) => {
        this.#nextDueAtMs = Math.min(this.#nextDueAtMs, atMs);
      },
    });
  }

  /** Goes on where the host stopped. @throws AgentrtError as the log */
  async open(parts: Omit<CursorsParts, "topics">): Promise<void> {
    await this.topics.open();
    await this.cursors.open({ ...parts, topics: this.topics });
    this.#nextDueAtMs = 0;
  }

  /** To be called often. */
  tick(nowMs: number): void {
    if (this.#log === undefined || this.#isClosed) {
      return;
    }
    this.cursors.tick(nowMs);
    const isDue =
      nowMs >= this.#nextDueAtMs ||
      nowMs >= this.#nextRetentionAtMs ||
      nowMs >= this.#nextSchedulesAtMs;
    if (isDue && this.#working === undefined) {
      this.#working = this.#work(this.#log, nowMs)
        .catch((error: unknown) => {
          logger.error("the message log could not be tended to; it is tried again", {
            error: messageOf(error),
          });
        })
        .finally(() => {
          this.#working = undefined;
        });
    }
  }

  /** True while something is on its way to disk, or with a worker. */
  get isBusy(): boolean {
    return this.publisher.pending > 0 || this.cursors.inFlight > 0;
  }

  /** Stores where everything stands. Does not reject. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
    await this.cursors.close();
  }

  /** Undefined at a host without a message log. */
  report(): DurableReport | undefined {
    if (this.#log === undefined) {
      return undefined;
    }
    const next = this.#facts?.nextPosition ?? 0;
    return {
      topics: this.topics.patterns.map(durablePatternText),
      cursors: Array.from(this.cursors.all, (runner) => ({
        name: runner.name,
        topics: runner.patterns.map(durablePatternText),
        floor: runner.floor,
        lag: Math.max(0, next - runner.floor),
        inFlight: runner.inFlight,
      })),
      ...this.cursors.counts,
      storedRecords: this.#facts?.records ?? 0,
      storedBytes: this.#facts?.bytesOnDisk ?? 0,
      damagedRanges: this.#facts?.damagedRanges ?? 0,
    };
  }

  async #work(log: MessageLog, nowMs: number): Promise<void> {
    if (nowMs >= this.#nextDueAtMs) {
      this.#nextDueAtMs = nowMs + SCHEDULES_MS;
      const { positions, nextDueAtMs } = await log.moveDue(nowMs);
      this.#nextDueAtMs = nextDueAtMs ?? Number.POSITIVE_INFINITY;
      if (positions.length > 0) {
        this.cursors.wakeAll();
      }
    }
    if (nowMs >= this.#nextSchedulesAtMs) {
      this.#nextSchedulesAtMs = nowMs + SCHEDULES_MS;
      for (const schedule of await log.listSchedules()) {
        if (schedule.nextAtMs <= nowMs) {
          await this.#fire(log, schedule);
        }
      }
      this.#facts = await log.facts();
    }
    if (nowMs >= this.#nextRetentionAtMs) {
      this.#nextRetentionAtMs = nowMs + RETENTION_MS;
      for (const { pattern, records, undelivered } of await log.applyRetention()) {
        logger.info("durable messages were removed by their topic's retention", {
          ...{ topic: durablePatternText(pattern), records, undelivered },
        });
      }
    }
  }

  /** Times that passed while the host was down fire once. */
  async #fire(log: MessageLog, { name, pattern, nextAtMs, batch }: Schedule): Promise<void> {
    const next = nextTimeOf(pattern);
    if ((await log.fireSchedule(name, nextAtMs, next)) !== undefined) {
      this.cursors.wake(batch.topicType);
    }
  }
}

/** When a schedule is due next; undefined when it never is again. */
function nextTimeOf(pattern: string): number | undefined {
  try {
    return new Cron(pattern).nextRun()?.getTime();
  } catch (error) {
    throw new AgentrtError("INVALID_OPTION", `"${pattern}" is no schedule: ${messageOf(error)}`);
  }
}
