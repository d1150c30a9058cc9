import { getLogger } from "@logtape/logtape";
import { messageOf } from "../../core/errors.ts";
import type { Subscription } from "../../core/subscription.ts";
import { matchesPattern, type TopicPattern } from "../../core/topic-pattern.ts";
import type { MessageLog } from "../../store/log/message-log.ts";
import type { Session } from "../session.ts";
import { BroadcastNotice } from "./broadcast-notice.ts";
import { CursorCommits } from "./cursor-commits.ts";
import { CursorRunner, type CursorRunnerParts } from "./cursor-runner.ts";
import { newDurableCounts } from "./durable-counts.ts";
import type { DurableTopics } from "./durable-topics.ts";
import { isOfOneProcess, isSame, overlap, patternIn } from "./subscribed-patterns.ts";
import { UnstoredCursors } from "./unstored-cursors.ts";

const logger = getLogger(["agentrt", "host"]);

export interface CursorsParts
  extends Omit<CursorRunnerParts, "log" | "onDirty" | "maxDeliver" | "counts"> {
  readonly topics: DurableTopics;
  /** Deliveries of a record before it is given up, unless its topic says otherwise. */
  readonly maxDeliver: number;
}

/** The cursors of all durable subscriptions: one for each agent type, with the patterns that it is subscribed to. */
export class Cursors {
  readonly counts = newDurableCounts();
  readonly #log: MessageLog | undefined;
  readonly #runners = new Map<string, CursorRunner>();
  /** Cursors that are being opened or changed, by agent type: one after the other. */
  readonly #opening = new Map<string, Promise<void>>();
  readonly #wanted = new Map<string, readonly TopicPattern[]>();
  readonly #unstored = new UnstoredCursors();
  #parts: CursorsParts | undefined;
  #logName = "";
  readonly #commits: CursorCommits;
  #isClosed = false;
  readonly #broadcastNotice = new BroadcastNotice();

  constructor(log: MessageLog | undefined) {
    this.#log = log;
    this.#commits = new CursorCommits(log, this.#runners);
  }

  /** What is stored of before. */
  async open(parts: CursorsParts): Promise<void> {
    this.#parts = parts;
    if (this.#log === undefined) {
      return;
    }
    this.#logName = (await this.#log.facts()).identity.toString(36);
    for (const stored of await this.#log.listCursors()) {
      this.#wanted.set(stored.name, stored.patterns);
      if (stored.wasDamaged) {
        logger.error("a cursor was damaged, and begins with the oldest message again", {
          cursor: stored.name,
        });
      }
      this.#runners.set(stored.name, this.#run(stored, this.#log));
    }
    parts.topics.onChange(() => this.#topicsChanged());
  }

  /** True when the agent type has what is published on the topic by its cursor. */
  has(agentType: string, topicType: string): boolean {
    return (
      this.#wanted.get(agentType)?.some((pattern) => matchesPattern(pattern, topicType)) ?? false
    );
  }

  /** A worker has subscribed an agent type, or taken the type: what is published from now on is kept for it. */
  subscribed(agentType: string): void {
    if (this.#log === undefined || this.#parts === undefined || isOfOneProcess(agentType)) {
      return;
    }
    const { registry, topics } = this.#parts;
    const wanted = Array.from(registry.subscriptionsOf(agentType), patternIn);
    if (registry.holdersOf(agentType)?.policy === "broadcast") {
      this.#broadcastNotice.tell(agentType, wanted, topics.patterns);
      return;
    }
    const before = this.#wanted.get(agentType) ?? [];
    const added = wanted.filter(
      (pattern) =>
        topics.patterns.some((durable) => overlap(durable, pattern)) &&
        !before.some((one) => isSame(one, pattern)),
    );
    if (added.length > 0) {
      this.#setPatterns(agentType, [...before, ...added]);
    }
    this.#runners.get(agentType)?.wake();
  }

  /** A worker has given a subscription up, which one that only leaves does not. */
  unsubscribed(subscription: Subscription): void {
    const { agentType } = subscription;
    const pattern = patternIn(subscription);
    const before = this.#wanted.get(agentType);
    if (before === undefined) {
      return;
    }
    const isLeft = Array.from(this.#parts?.registry.subscriptionsOf(agentType) ?? [], patternIn);
    if (!isLeft.some((one) => isSame(one, pattern))) {
      const patterns = before.filter((one) => !isSame(one, pattern));
      if (patterns.length === 0) {
        this.#removeUnwanted(agentType);
      } else {
        this.#setPatterns(agentType, patterns);
      }
    }
  }

  /** Forgets what an agent type has had and what waits for it. False when there was no such cursor. */
  async remove(name: string): Promise<boolean> {
    this.#wanted.delete(name);
    this.#unstored.opened(name);
    await this.#opening.get(name);
    this.#runners.get(name)?.close();
    this.#runners.delete(name);
    return (await this.#log?.removeCursor(name)) ?? false;
  }

  /** Batches came into the log. */
  wake(topicType: string): void {
    for (const runner of this.#runners.values()) {
      if (runner.patterns.some((pattern) => matchesPattern(pattern, topicType))) {
        runner.wake();
      }
    }
  }

  wakeAll(): void {
    for (const runner of this.#runners.values()) {
      runner.wake();
    }
  }

  receiversChanged(): void {
    for (const runner of this.#runners.values()) {
      runner.pump();
    }
  }

  sessionGone(session: Session, how: "left" | "lost"): void {
    for (const runner of this.#runners.values()) {
      runner.sessionGone(session, how);
    }
  }

  ack(session: Session, cursor: string, ranges: readonly number[]): void {
    const runner = this.#runnerFor(session, cursor);
    for (let index = 0; index + 1 < ranges.length; index += 2) {
      runner?.ack(session, ranges[index] ?? 0, ranges[index + 1] ?? 0);
    }
  }

  nack(session: Session, cursor: string, position: number, error: string): void {
    this.#runnerFor(session, cursor)?.nack(session, position, error);
  }

  /** To be called often. */
  tick(nowMs: number): void {
    this.#storeAgain(nowMs);
    for (const runner of this.#runners.values()) {
      runner.tick(nowMs);
    }
  }

  /** Gives workers nothing more. */
  drain(): void {
    for (const runner of this.#runners.values()) {
      runner.drain();
    }
  }

  get all(): Iterable<CursorRunner> {
    return this.#runners.values();
  }

  /** Records that are with workers. */
  get inFlight(): number {
    let sum = 0;
    for (const runner of this.#runners.values()) {
      sum += runner.inFlight;
    }
    return sum;
  }

  /** Delivers no more, and stores where everything stands. Does not reject. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#opening.values());
    for (const runner of this.#runners.values()) {
      runner.close();
    }
    await this.#commits.close();
  }

  #runnerFor(session: Session, cursor: string): CursorRunner | undefined {
    const name = cursor.slice(cursor.indexOf("@") + 1);
    const runner = this.#runners.get(name);
    return runner?.wireName === cursor && session.agentTypes.has(name) ? runner : undefined;
  }

  #run(stored: ConstructorParameters<typeof CursorRunner>[0], log: MessageLog): CursorRunner {
    const { topics, maxDeliver, ...parts } = this.#parts as CursorsParts;
    return new CursorRunner(stored, `${this.#logName}@${stored.name}`, {
      ...parts,
      log,
      counts: this.counts,
      onDirty: () => this.#commits.soon(),
      maxDeliver: (patterns) => {
        const limits = topics
          .list()
          .filter(({ pattern }) => patterns.some((one) => overlap(one, pattern)))
          .map((declaration) => declaration.maxDeliver ?? maxDeliver);
        return limits.length === 0 ? maxDeliver : Math.min(...limits);
      },
    });
  }

  #setPatterns(agentType: string, patterns: readonly TopicPattern[]): void {
    this.#wanted.set(agentType, patterns);
    const opening = this.#openCursor(agentType, patterns, this.#opening.get(agentType)).finally(
      () => {
        if (this.#opening.get(agentType) === opening) {
          this.#opening.delete(agentType);
        }
      },
    );
    this.#opening.set(agentType, opening);
  }

  /** Asks the log at once, so that what is appended later comes behind it. */
  async #openCursor(
    agentType: string,
    patterns: readonly TopicPattern[],
    before: Promise<void> | undefined,
  ): Promise<void> {
    const log = this.#log;
    const askedAtMs = Date.now();
    try {
      if (this.#unstored.isLeftOver(agentType)) {
        await log?.removeCursor(agentType);
        this.#unstored.removed(agentType);
      }
      const start = this.#unstored.startOf(agentType);
      const stored = await log?.openCursor(agentType, { patterns, start });
      await before;
      this.#unstored.opened(agentType);
      const isWanted = this.#wanted.has(agentType) && !this.#isClosed;
      if (log === undefined || stored === undefined || !isWanted) {
        return;
      }
      const runner = this.#runners.get(agentType);
      if (runner === undefined) {
        this.#runners.set(agentType, this.#run(stored, log));
        this.#runners.get(agentType)?.wake();
      } else {
        runner.setPatterns(patterns);
      }
    } catch (error) {
      if (this.#wanted.has(agentType) && !this.#isClosed) {
        this.#unstored.notOpened(agentType, askedAtMs);
      }
      logger.error("a durable subscription cannot be stored; it is tried again", {
        agentType,
        error: messageOf(error),
      });
    }
  }

  #storeAgain(nowMs: number): void {
    const { open, remove } = this.#unstored.due(nowMs);
    for (const name of remove.filter((one) => !this.#wanted.has(one))) {
      this.#removeUnwanted(name);
    }
    for (const name of open.filter((one) => !this.#opening.has(one))) {
      this.#setPatterns(name, this.#wanted.get(name) ?? []);
    }
  }

  #removeUnwanted(name: string): void {
    this.#unstored.notRemoved(name);
    this.remove(name).then(
      () => this.#unstored.removed(name),
      (error: unknown) =>
        logger.error("a cursor that nobody wants cannot be removed; it is tried again", {
          cursor: name,
          error: messageOf(error),
        }),
    );
  }

  #topicsChanged(): void {
    for (const type of this.#parts?.registry.agentTypes ?? []) {
      this.subscribed(type);
    }
  }
}
