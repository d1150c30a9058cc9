import { getLogger } from "@logtape/logtape";
import type { EventEnvelope } from "../../core/envelope.ts";
import { messageOf } from "../../core/errors.ts";
import type { DurableReport } from "../../core/host-report.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { LogFacts, MessageLog } from "../../store/log/message-log.ts";
import type { IncidentLog } from "../incident-log.ts";
import { Cursors, type CursorsParts } from "./cursors.ts";
import { DurablePublisher } from "./durable-publisher.ts";
import { DurableSchedules } from "./durable-schedules.ts";
import { DurableTopics, durablePatternText } from "./durable-topics.ts";
import { readLate } from "./late-events.ts";

const logger = getLogger(["agentrt", "host"]);

/** How often what is kept too long is removed; also each time that something else is declared. */
const RETENTION_MS = 10_000;
/** How often the log's size is looked at. */
const FACTS_MS = 1_000;
/** After a failure. */
const AGAIN_MS = 1_000;

export interface DurableParts {
  readonly log: MessageLog | undefined;
  readonly configured: readonly TopicPattern[];
  readonly incidents: IncidentLog;
}

export interface OpenParts extends Omit<CursorsParts, "topics"> {
  /** Takes what was stored before and is due now to those that have no cursor. */
  readonly onLate: (event: EventEnvelope) => void;
}

/** Durable topics of one host: what is declared, what is stored, and who still has to get it. */
export class Durable {
  readonly topics: DurableTopics;
  readonly cursors: Cursors;
  readonly publisher: DurablePublisher;
  readonly schedules: DurableSchedules;
  readonly #log: MessageLog | undefined;
  /** Zero: whether something waits is not known yet. */
  #nextDueAtMs = 0;
  #nextRetentionAtMs = 0;
  #nextFactsAtMs = 0;
  #working: Promise<void> | undefined;
  #facts: LogFacts | undefined;
  #onLate: OpenParts["onLate"] = () => undefined;
  #isOpen = false;

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
    this.schedules = new DurableSchedules({
      log,
      topics: this.topics,
      counts: this.cursors.counts,
      onFired: async (topicType, position) => {
        this.cursors.wake(topicType);
        await this.#tellLate([position]);
      },
    });
  }

  /** Goes on where the host stopped. @throws AgentrtError as the log */
  async open({ onLate, ...parts }: OpenParts): Promise<void> {
    this.#onLate = onLate;
    await this.topics.open();
    this.topics.onChange(() => {
      this.#nextRetentionAtMs = 0;
    });
    await this.cursors.open({ ...parts, topics: this.topics });
    await this.schedules.open(Date.now());
    this.#isOpen = true;
  }

  /** To be called often. */
  tick(nowMs: number): void {
    const log = this.#log;
    if (log === undefined || !this.#isOpen) {
      return;
    }
    this.cursors.tick(nowMs);
    const isDue =
      nowMs >= this.#nextDueAtMs ||
      nowMs >= this.#nextRetentionAtMs ||
      nowMs >= this.#nextFactsAtMs ||
      nowMs >= this.schedules.nextAtMs;
    if (isDue && this.#working === undefined) {
      this.#working = this.#work(log, nowMs).finally(() => {
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
    this.#isOpen = false;
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
      deadKept: this.#facts?.deadRecords ?? 0,
      deadDropped: this.#facts?.deadDropped ?? 0,
      storedRecords: this.#facts?.records ?? 0,
      storedBytes: this.#facts?.bytesOnDisk ?? 0,
      damagedRanges: this.#facts?.damagedRanges ?? 0,
    };
  }

  /** What of it fails keeps nothing else from being done. Does not reject. */
  async #work(log: MessageLog, nowMs: number): Promise<void> {
    const tries = [
      async () => {
        if (nowMs >= this.#nextDueAtMs) {
          await this.#moveDue(log, nowMs);
        }
      },
      async () => await this.schedules.fireDue(nowMs),
      async () => {
        if (nowMs >= this.#nextFactsAtMs) {
          this.#nextFactsAtMs = nowMs + FACTS_MS;
          this.#note(await log.facts());
        }
      },
      async () => {
        if (nowMs >= this.#nextRetentionAtMs) {
          this.#nextRetentionAtMs = nowMs + RETENTION_MS;
          await applyRetention(log);
        }
      },
    ];
    for (const work of tries) {
      try {
        await work();
      } catch (error) {
        logger.error("the message log could not be tended to; it is tried again", {
          error: messageOf(error),
        });
      }
    }
  }

  #note(facts: LogFacts): void {
    const dropped = facts.deadDropped - (this.#facts ?? facts).deadDropped;
    if (dropped > 0) {
      logger.warn("dead records were dropped, because there were too many or they were too old", {
        dropped,
        kept: facts.deadRecords,
      });
    }
    this.#facts = facts;
  }

  async #moveDue(log: MessageLog, nowMs: number): Promise<void> {
    // What is delayed meanwhile may be due before, and sets it.
    this.#nextDueAtMs = Number.POSITIVE_INFINITY;
    const { positions, nextDueAtMs } = await log.moveDue(nowMs).catch((error: unknown) => {
      this.#nextDueAtMs = Math.min(this.#nextDueAtMs, nowMs + AGAIN_MS);
      throw error;
    });
    this.#nextDueAtMs = Math.min(this.#nextDueAtMs, nextDueAtMs ?? Number.POSITIVE_INFINITY);
    if (positions.length > 0) {
      this.cursors.wakeAll();
      await this.#tellLate(positions);
    }
  }

  async #tellLate(positions: readonly number[]): Promise<void> {
    if (this.#log !== undefined) {
      for await (const event of readLate(this.#log, positions)) {
        this.#onLate(event);
      }
    }
  }
}

async function applyRetention(log: MessageLog): Promise<void> {
  for (const { pattern, records, undelivered } of await log.applyRetention()) {
    logger.info("durable messages were removed by their topic's retention", {
      ...{ topic: durablePatternText(pattern), records, undelivered },
    });
  }
}
