import { getLogger } from "@logtape/logtape";
import { messageOf } from "../../core/errors.ts";
import type { Subscription } from "../../core/subscription.ts";
import { matchesPattern, type TopicPattern } from "../../core/topic-pattern.ts";
import type { MessageLog, NewDeadRecord } from "../../store/log/message-log.ts";
import { encodeControlFrame } from "../../wire/link/frames.ts";
import type { Session } from "../session.ts";
import { CursorRunner, type CursorRunnerParts, type DurableCounts } from "./cursor-runner.ts";
import type { DurableTopics } from "./durable-topics.ts";

const logger = getLogger(["agentrt", "host"]);

/** How long what changed waits for more before it is stored. */
const COMMIT_DELAY_MS = 20;
const COMMIT_AGAIN_MS = 1_000;

/** An agent type of one process, such as the handlers of `subscribe()`: nobody will ever ask for what it missed. */
const OF_ONE_PROCESS = /[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

export interface CursorsParts
  extends Omit<CursorRunnerParts, "log" | "onDirty" | "maxDeliver" | "counts"> {
  readonly topics: DurableTopics;
  /** Deliveries of a record before it is given up, unless its topic says otherwise. */
  readonly maxDeliver: number;
}

/** The cursors of all durable subscriptions: one for each agent type, with the patterns that it is subscribed to. */
export class Cursors {
  readonly counts: DurableCounts = {
    ...{ appended: 0, refused: 0, delivered: 0, redelivered: 0, acknowledged: 0 },
    ...{ failed: 0, dead: 0 },
  };
  readonly #log: MessageLog | undefined;
  readonly #runners = new Map<string, CursorRunner>();
  /** Cursors that are being opened or changed, by agent type: one after the other. */
  readonly #opening = new Map<string, Promise<void>>();
  readonly #wanted = new Map<string, readonly TopicPattern[]>();
  #parts: CursorsParts | undefined;
  #logName = "";
  #committing: Promise<void> | undefined;
  #commitTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(log: MessageLog | undefined) {
    this.#log = log;
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
    if (this.#log === undefined || this.#parts === undefined) {
      return;
    }
    const { registry, topics } = this.#parts;
    const holders = registry.holdersOf(agentType);
    if (holders?.policy === "broadcast" || OF_ONE_PROCESS.test(agentType)) {
      return;
    }
    const before = this.#wanted.get(agentType) ?? [];
    const added = Array.from(registry.subscriptionsOf(agentType), patternIn).filter(
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
    const isLeft = Array.from(this.#parts?.registry.subscriptionsOf(agentType) ?? [], patternIn);
    const before = this.#wanted.get(agentType);
    if (before !== undefined && !isLeft.some((one) => isSame(one, pattern))) {
      const patterns = before.filter((one) => !isSame(one, pattern));
      if (patterns.length === 0) {
        void this.remove(agentType);
      } else {
        this.#setPatterns(agentType, patterns);
      }
    }
  }

  /** Forgets what an agent type has had and what waits for it. False when there was no such cursor. */
  async remove(name: string): Promise<boolean> {
    this.#wanted.delete(name);
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
    clearTimeout(this.#commitTimer);
    await Promise.allSettled(this.#opening.values());
    for (const runner of this.#runners.values()) {
      runner.close();
    }
    await this.#committing;
    await this.#commit();
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
      onDirty: () => this.#commitSoon(COMMIT_DELAY_MS),
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
    try {
      const stored = await log?.openCursor(agentType, { patterns, start: { at: "next" } });
      await before;
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
      // The next subscription tries again.
      this.#wanted.delete(agentType);
      logger.error("a durable subscription cannot be stored", {
        agentType,
        error: messageOf(error),
      });
    }
  }

  #topicsChanged(): void {
    for (const type of this.#parts?.registry.agentTypes ?? []) {
      this.subscribed(type);
    }
  }

  #commitSoon(delayMs: number): void {
    if (this.#committing === undefined && !this.#isClosed) {
      this.#commitTimer ??= setTimeout(() => {
        this.#commitTimer = undefined;
        this.#committing = this.#commit().finally(() => {
          this.#committing = undefined;
        });
      }, delayMs);
    }
  }

  async #commit(): Promise<void> {
    const dirty = [...this.#runners.values()].filter((runner) => runner.isDirty);
    const snapshots = dirty.map((runner) => ({ runner, snapshot: runner.snapshot() }));
    if (this.#log === undefined || snapshots.length === 0) {
      return;
    }
    const dead: NewDeadRecord[] = snapshots.flatMap(({ runner, snapshot }) =>
      snapshot.dead.map((one) => ({ ...one, cursor: runner.name })),
    );
    const cursors = snapshots.map(({ runner, snapshot }) => ({
      name: runner.name,
      state: snapshot.state,
    }));
    try {
      await this.#log.commit({ cursors, dead });
    } catch (error) {
      logger.error("what was delivered could not be stored; it is tried again", {
        error: messageOf(error),
      });
      setTimeout(() => this.#commitSoon(0), COMMIT_AGAIN_MS).unref();
      return;
    }
    for (const { runner, snapshot } of snapshots) {
      runner.stored(snapshot, (session, floor) => {
        const value = { cursor: runner.wireName, floor: BigInt(floor) };
        session.tell(encodeControlFrame({ case: "cursorFloor", value }));
      });
      if (runner.isDirty) {
        runner.pump();
      }
    }
  }
}

function patternIn(subscription: Subscription): TopicPattern {
  return subscription.kind === "type"
    ? { kind: "type", text: subscription.topicType }
    : { kind: "prefix", text: subscription.topicTypePrefix };
}

/** True when there may be topic types that both mean. */
function overlap(a: TopicPattern, b: TopicPattern): boolean {
  return matchesPattern(a, b.text) || matchesPattern(b, a.text);
}

function isSame(a: TopicPattern, b: TopicPattern): boolean {
  return a.kind === b.kind && a.text === b.text;
}
