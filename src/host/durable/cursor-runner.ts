// biome-ignore-all lint/style/noExcessiveLinesPerFile: one state machine, whose steps share all of it
import { getLogger } from "@logtape/logtape";
import { shorten } from "../../core/agent-id.ts";
import { DeliveryCursor } from "../../core/delivery-cursor.ts";
import type {
  CursorSnapshot,
  Delivery as DueRecords,
  GivenUp,
} from "../../core/durable-delivery.ts";
import { messageOf } from "../../core/errors.ts";
import { PositionRanges } from "../../core/position-ranges.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { MessageLog, StoredBatch, StoredCursor } from "../../store/log/message-log.ts";
import type { Delivery } from "../delivery.ts";
import { frameFor } from "../event-frames.ts";
import type { RouteNumbers } from "../link/inbound-routes.ts";
import type { Placements } from "../placements.ts";
import type { Registry } from "../registry.ts";
import type { Session } from "../session.ts";
import type { DurableCounts } from "./durable-counts.ts";
import { DurableFrames, type DurableRange } from "./durable-frame.ts";
import { isForType } from "./only-for.ts";
import { OpenBytes } from "./open-bytes.ts";
import { SubscribedSessions } from "./subscribed-sessions.ts";

/** Records that may be with workers at once, of one cursor. */
const MAX_IN_FLIGHT = 4_096;
/** Records that are known and not done. */
const MAX_OPEN = 16_384;
/** Bytes of the batches that these are in. */
const MAX_OPEN_BYTES = 16 * 1_024 * 1_024;
const READ = { maxBatches: 256, maxBytes: 1_024 * 1_024 } as const;
/** Records that are taken at a time, so that few have to be handed back when a worker is full. */
const TAKE = 512;
/** From so full an outbox on, a worker is given nothing more. */
const MAX_FULLNESS = 0.5;
const MAX_LOSSES = 20;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 30_000;
const READ_AGAIN_MS = 1_000;
/** Of what a worker says of a failure, which is stored with each record that failed. */
const MAX_ERROR_LENGTH = 2_000;

export interface CursorRunnerParts {
  readonly log: MessageLog;
  readonly registry: Registry;
  readonly placements: Placements;
  readonly delivery: Delivery;
  readonly numbers: RouteNumbers;
  /** Told each time that there is something to store. */
  readonly onDirty: () => void;
  readonly maxDeliver: (patterns: readonly TopicPattern[]) => number;
  readonly counts: DurableCounts;
}

/** Delivers what one agent type has not had yet of the durable topics that it is subscribed to. */
export class CursorRunner {
  /** In the log; the agent type. */
  readonly name: string;
  /** As workers are told it: no other log has it. */
  readonly wireName: string;
  readonly #parts: CursorRunnerParts;
  readonly #cursor: DeliveryCursor<StoredBatch>;
  readonly #frames: DurableFrames;
  readonly #inFlight = new Map<Session, PositionRanges>();
  readonly #open = new OpenBytes();
  readonly #subscribed: SubscribedSessions;
  /** Whose connections have had enough. */
  readonly #waitsFor = new Set<Session>();
  #patterns: readonly TopicPattern[];
  #mayHaveMore = true;
  #isReading = false;
  #readAgainAtMs = 0;
  /** True when a worker had no room, was not there for what was due, or is not subscribed to it yet. */
  #isBlocked = false;
  #pumping: ReturnType<typeof setImmediate> | undefined;
  #isDraining = false;
  #isClosed = false;

  constructor(stored: StoredCursor, wireName: string, parts: CursorRunnerParts) {
    this.name = stored.name;
    this.wireName = wireName;
    this.#parts = parts;
    this.#patterns = stored.patterns;
    this.#frames = new DurableFrames(stored.name, wireName, parts.numbers);
    this.#subscribed = new SubscribedSessions(stored.name, parts.registry);
    const patterns = (): readonly TopicPattern[] => this.#patterns;
    this.#cursor = new DeliveryCursor(stored.state, {
      maxInFlight: MAX_IN_FLIGHT,
      maxOpen: MAX_OPEN,
      get maxDeliver() {
        return parts.maxDeliver(patterns());
      },
      maxLosses: MAX_LOSSES,
      backoffMs: (failures) => Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1)),
    });
  }

  get patterns(): readonly TopicPattern[] {
    return this.#patterns;
  }

  get inFlight(): number {
    return this.#cursor.inFlight;
  }

  get floor(): number {
    return this.#cursor.floor;
  }

  get isDirty(): boolean {
    return this.#cursor.isDirty;
  }

  /** From now on these are read too, from where the cursor stands. */
  setPatterns(patterns: readonly TopicPattern[]): void {
    this.#patterns = patterns;
    this.wake();
  }

  /** There may be more in the log. */
  wake(): void {
    this.#mayHaveMore = true;
    this.pump();
  }

  /** Goes on at the end of the turn. */
  pump(): void {
    if (!this.#isClosed) {
      this.#pumping ??= setImmediate(() => {
        this.#pumping = undefined;
        this.#step();
      });
    }
  }

  /** To be called often. */
  tick(nowMs: number): void {
    const retryAtMs = this.#cursor.nextRetryAtMs();
    const isReadDue = this.#readAgainAtMs !== 0 && nowMs >= this.#readAgainAtMs;
    if (this.#isBlocked || isReadDue || (retryAtMs !== undefined && retryAtMs <= nowMs)) {
      this.pump();
    }
  }

  ack(session: Session, first: number, count: number): void {
    const last = first + count - 1;
    this.#parts.counts.acknowledged += count;
    this.#cursor.ack(first, last);
    this.#inFlight.get(session)?.remove(first, last);
    this.#changed();
  }

  nack(session: Session, position: number, error: string): void {
    this.#parts.counts.failed += 1;
    this.#cursor.nack(position, position, Date.now(), shorten(error, MAX_ERROR_LENGTH));
    this.#inFlight.get(session)?.remove(position, position);
    this.#changed();
  }

  /** What the worker had and did not acknowledge goes to another one, or comes again when it is back. */
  sessionGone(session: Session, how: "left" | "lost"): void {
    const had = this.#inFlight.get(session);
    if (had === undefined) {
      return;
    }
    this.#inFlight.delete(session);
    for (const [first, last] of had.ranges) {
      if (how === "left") {
        this.#cursor.handBack(first, last);
      } else {
        const error = `WORKER_GONE: the connection to worker ${session.clientId} was lost.`;
        this.#cursor.lost(first, last, Date.now(), error);
      }
    }
    this.#changed();
  }

  snapshot(): CursorSnapshot {
    return this.#cursor.snapshot();
  }

  /** The snapshot is on disk: workers need not remember what is below. */
  stored(snapshot: CursorSnapshot, tell: (session: Session, floor: number) => void): void {
    this.#cursor.stored(snapshot);
    this.#parts.counts.dead += snapshot.dead.length;
    for (const dead of snapshot.dead) {
      this.#logDead(dead);
    }
    for (const session of this.#parts.registry.holdersOf(this.name)?.members ?? []) {
      tell(session, snapshot.state.floor);
    }
  }

  /** Gives workers nothing more; what they have they may still finish. */
  drain(): void {
    this.#isDraining = true;
  }

  close(): void {
    this.#isClosed = true;
    clearImmediate(this.#pumping);
    this.#frames.close();
  }

  #step(): void {
    this.#deliver();
    if (this.#cursor.isDirty) {
      this.#parts.onDirty();
    }
    if (this.#wantsToRead()) {
      void this.#read();
    }
  }

  #changed(): void {
    this.#open.forgetBelow(this.#cursor.floor);
    this.pump();
  }

  #wantsToRead(): boolean {
    return (
      !this.#isReading &&
      this.#mayHaveMore &&
      this.#cursor.wantsMore &&
      this.#open.bytes < MAX_OPEN_BYTES &&
      Date.now() >= this.#readAgainAtMs &&
      this.#parts.registry.holdersOf(this.name)?.first !== undefined
    );
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    this.#mayHaveMore = false;
    this.#readAgainAtMs = 0;
    const patterns = this.#patterns;
    try {
      const read = await this.#parts.log.read({
        patterns,
        from: this.#cursor.readFrom,
        ...READ,
      });
      if (patterns === this.#patterns) {
        for (const batch of read.batches.filter((one) => isForType(one, this.name))) {
          this.#offer(batch);
        }
        this.#cursor.skipTo(read.next);
        this.#mayHaveMore ||= !read.isAtEnd;
      } else {
        this.#mayHaveMore = true;
      }
    } catch (error) {
      this.#mayHaveMore = true;
      this.#readAgainAtMs = Date.now() + READ_AGAIN_MS;
      logger.error("the message log cannot be read; it is tried again", {
        cursor: this.name,
        error: messageOf(error),
      });
    } finally {
      this.#isReading = false;
    }
    this.#changed();
  }

  #offer(batch: StoredBatch): void {
    const { position, count, expiresAtMs } = batch;
    this.#cursor.offer({ position, count, expiresAtMs, batch });
    this.#open.add(position + count, batch.records.byteLength);
  }

  #deliver(): void {
    this.#isBlocked = false;
    while (!this.#isBlocked && !this.#isDraining && this.#hasReceiver()) {
      const due = this.#cursor.take(Date.now(), TAKE);
      if (due.length === 0) {
        return;
      }
      for (const one of due) {
        if (!this.#send(one)) {
          this.#isBlocked = true;
          this.#cursor.handBack(one.first, one.last);
        }
      }
    }
  }

  #hasReceiver(): boolean {
    const members = this.#parts.registry.holdersOf(this.name)?.members ?? [];
    return members.some((member) => member.state === "connected");
  }

  /** False: not now. */
  #send(due: DueRecords<StoredBatch>): boolean {
    const { registry, placements, counts } = this.#parts;
    const holders = registry.holdersOf(this.name);
    if (holders === undefined || this.#isBlocked) {
      return false;
    }
    const { topicSource } = due.batch;
    let isMoving = false;
    const owner =
      holders.policy === "shared"
        ? placements.ownerFor(holders, topicSource, (arrived) => {
            isMoving = true;
            if (arrived === undefined || !this.#sendTo(arrived, due)) {
              this.#cursor.handBack(due.first, due.last);
              this.#isBlocked = true;
            }
          })
        : holders.ownerOf(topicSource);
    if (owner === undefined) {
      // Held back until the instance has arrived; the records count as in flight meanwhile.
      return holders.policy === "shared" && holders.ownerOf(topicSource) !== undefined && !isMoving;
    }
    if (due.attempt > 1) {
      counts.redelivered += due.last - due.first + 1;
    }
    return this.#sendTo(owner, due);
  }

  #sendTo(session: Session, range: DurableRange): boolean {
    const { first, last } = range;
    if (
      session.state !== "connected" ||
      session.outbox.fullness > MAX_FULLNESS ||
      !this.#subscribed.mayGet(session, range.batch.topicType, Date.now())
    ) {
      return false;
    }
    const { delivery, counts } = this.#parts;
    try {
      if (session.dialect === "agentrt") {
        const frame = this.#frames.frame(range, () => this.#handBack(session, first, last));
        if (!session.outbox.hasRoomFor(frame.size)) {
          return false;
        }
        this.#inFlightAt(session).add(first, last);
        delivery.offer(session, frame);
      } else {
        return this.#sendEvents(session, range);
      }
    } catch (error) {
      logger.error("a stored batch cannot be delivered", { cursor: this.name, first, error });
      this.#cursor.nack(first, last, Date.now(), messageOf(error));
      return true;
    }
    counts.delivered += last - first + 1;
    return true;
  }

  /** AutoGen's dialect has no acknowledgement: what its connection takes is done, and nothing waits before it. */
  #sendEvents(session: Session, range: DurableRange): boolean {
    const { delivery, counts } = this.#parts;
    let position = range.first;
    for (const event of this.#frames.events(range)) {
      if (!session.outbox.isTaking) {
        this.#pumpWhenTaking(session);
        return false;
      }
      delivery.offer(session, frameFor([this.name], event));
      counts.delivered += 1;
      this.#cursor.ack(position, position);
      position += 1;
    }
    return true;
  }

  #pumpWhenTaking(session: Session): void {
    if (this.#waitsFor.has(session)) {
      return;
    }
    this.#waitsFor.add(session);
    const unwatch = session.outbox.watchRelief(Number.MIN_VALUE, () => {
      unwatch();
      this.#waitsFor.delete(session);
      this.pump();
    });
  }

  #inFlightAt(session: Session): PositionRanges {
    const known = this.#inFlight.get(session) ?? new PositionRanges();
    this.#inFlight.set(session, known);
    return known;
  }

  #handBack(session: Session, first: number, last: number): void {
    this.#inFlight.get(session)?.remove(first, last);
    this.#cursor.handBack(first, last);
    this.#isBlocked = true;
  }

  #logDead({ position, reason, lastError, attempts }: GivenUp): void {
    logger.error("a durable message was given up; it is with the dead ones", {
      ...{ cursor: this.name, position, reason, lastError, attempts },
    });
  }
}

const logger = getLogger(["agentrt", "host"]);
