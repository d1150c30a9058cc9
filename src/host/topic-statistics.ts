import type { TopicReport } from "../core/host-report.ts";
import { FullQueuePolicies } from "./full-queue-policies.ts";

const RATE_WINDOW_SECONDS = 10;

interface TopicCounts {
  messages: number;
  bytes: number;
  deliveries: number;
  dropped: number;
  lastAtMs: number;
  /** Messages in each second of the window; slot = second modulo the window. */
  readonly perSecond: Uint32Array;
  /** The second that was written last. */
  second: number;
}

/** Counts for each topic type, for the least recently used of them up to a bound. */
export class TopicStatistics {
  readonly #maxTopics: number;
  readonly #topics = new Map<string, TopicCounts>();
  readonly #now: () => number;
  readonly #policies: FullQueuePolicies;
  #forgotten = 0;

  constructor(
    maxTopics: number,
    now: () => number = Date.now,
    policies: FullQueuePolicies = new FullQueuePolicies(),
  ) {
    this.#maxTopics = maxTopics;
    this.#now = now;
    this.#policies = policies;
  }

  /** Topic types whose counts went because there were too many. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** @param messages how many came at once, each of which had `deliveries` receivers */
  record(topicType: string, bytes: number, deliveries: number, messages = 1): void {
    const nowMs = this.#now();
    const counts = this.#countsFor(topicType);
    counts.messages += messages;
    counts.bytes += bytes;
    counts.deliveries += deliveries * messages;
    counts.lastAtMs = nowMs;
    const second = Math.floor(nowMs / 1_000);
    advance(counts, second);
    const slot = second % RATE_WINDOW_SECONDS;
    counts.perSecond[slot] = (counts.perSecond[slot] ?? 0) + messages;
  }

  /** @param messages copies for workers that a full queue let go */
  recordDropped(topicType: string, messages: number): void {
    this.#countsFor(topicType).dropped += messages;
  }

  /** The busiest first, `limit` of them at the most. */
  report(limit: number): TopicReport[] {
    const second = Math.floor(this.#now() / 1_000);
    const reports = [...this.#topics].map(([topicType, counts]): TopicReport => {
      advance(counts, second);
      const recent = counts.perSecond.reduce((sum, count) => sum + count, 0);
      return {
        topicType,
        messages: counts.messages,
        bytes: counts.bytes,
        deliveries: counts.deliveries,
        dropped: counts.dropped,
        fullQueue: this.#policies.of(topicType),
        messagesPerSecond: recent / RATE_WINDOW_SECONDS,
        lastAt: new Date(counts.lastAtMs).toISOString(),
      };
    });
    reports.sort((a, b) => b.messagesPerSecond - a.messagesPerSecond || b.messages - a.messages);
    return reports.slice(0, limit);
  }

  #countsFor(topicType: string): TopicCounts {
    const existing = this.#topics.get(topicType);
    if (existing !== undefined) {
      return existing;
    }
    if (this.#topics.size >= this.#maxTopics) {
      this.#forgetOldest();
    }
    const made: TopicCounts = {
      messages: 0,
      bytes: 0,
      deliveries: 0,
      dropped: 0,
      lastAtMs: 0,
      perSecond: new Uint32Array(RATE_WINDOW_SECONDS),
      second: 0,
    };
    this.#topics.set(topicType, made);
    return made;
  }

  /** Makes room for a tenth at once, so that a stream of new topics does not sort at each of them. */
  #forgetOldest(): void {
    const byAge = [...this.#topics].sort(([, a], [, b]) => a.lastAtMs - b.lastAtMs);
    for (const [topicType] of byAge.slice(0, Math.max(1, Math.floor(this.#maxTopics / 10)))) {
      this.#topics.delete(topicType);
      this.#forgotten += 1;
    }
  }
}

/** Empties the slots of the seconds that have passed since the last write. */
function advance(counts: TopicCounts, second: number): void {
  const passed = second - counts.second;
  if (passed <= 0) {
    return;
  }
  for (let index = 1; index <= Math.min(passed, RATE_WINDOW_SECONDS); index += 1) {
    counts.perSecond[(counts.second + index) % RATE_WINDOW_SECONDS] = 0;
  }
  counts.second = second;
}
