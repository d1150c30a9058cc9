import { AttemptBook } from "./attempt-book.ts";
import type { CursorState, RecordAttempts } from "./cursor-state.ts";
import type {
  CursorSnapshot,
  Delivery,
  DeliveryCursorOptions,
  GivenUp,
  GiveUpReason,
} from "./durable-delivery.ts";
import { type OfferedBatch, OpenBatches } from "./open-batches.ts";
import { PositionRanges } from "./position-ranges.ts";
import { Taking } from "./taking.ts";

/**
 * What one durable subscription gets next. Pure: it is told what there is, what became of it and what time it is.
 *
 * A record is open (offered), in flight (taken), then done (acknowledged or given up), or open again: after a
 * failure when its backoff has passed, after a lost connection at once. A lost connection is not held against a
 * record as a failure, because many were in flight and one at most is guilty; but each is counted, so that a record
 * that kills its receiver every time is given up in the end. What is handed back unhandled is not counted.
 *
 * Everything taken again comes before what is new. Batches that are taken and acknowledged whole and in order cost
 * a few ranges, nothing for each record.
 */
export class DeliveryCursor<B> {
  readonly #options: DeliveryCursorOptions;
  readonly #open = new OpenBatches<B>();
  /** Above the floor. What is no record of this subscription counts as done. */
  readonly #done: PositionRanges;
  readonly #inFlight = new PositionRanges();
  /** To be taken at once: handed back. */
  readonly #returned = new PositionRanges();
  /** Of records that failed and are not done, in flight or not. */
  readonly #attempts: AttemptBook;
  /** Given up, and not stored yet. */
  #dead: GivenUp[] = [];
  #floor: number;
  /** All positions below were offered or skipped. */
  #known: number;
  /** All positions below were in flight once, or are done. */
  #taken: number;
  #changes = 0;
  #storedChanges = 0;

  constructor(state: CursorState, options: DeliveryCursorOptions) {
    this.#options = options;
    this.#floor = state.floor;
    this.#known = state.floor;
    this.#taken = state.floor;
    this.#done = new PositionRanges(state.done);
    this.#attempts = new AttemptBook(state.attempts);
  }

  /** From where batches are wanted. */
  get readFrom(): number {
    return this.#known;
  }

  get wantsMore(): boolean {
    return this.#open.records < this.#options.maxOpen;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Records that are known and not done. */
  get openRecords(): number {
    return this.#open.records;
  }

  /** Every position below is done. */
  get floor(): number {
    return this.#floor;
  }

  /** True when something changed that the last stored snapshot does not have. */
  get isDirty(): boolean {
    return this.#changes !== this.#storedChanges;
  }

  /** The next batch of the log that is for this subscription, by position. What was known before is ignored. */
  offer(offered: OfferedBatch<B>): void {
    const { position, count } = offered;
    const end = position + count;
    if (end <= this.#known) {
      return;
    }
    this.skipTo(position);
    const first = Math.max(position, this.#known);
    let records = 0;
    for (const [from, until] of this.#done.missingIn(first, end - 1)) {
      records += until - from + 1;
    }
    this.#known = end;
    if (records > 0) {
      this.#open.add(offered, records);
    }
    this.#raiseFloor();
  }

  /** Nothing else up to here is for this subscription. */
  skipTo(position: number): void {
    if (position > this.#known) {
      // Counts as done already when it was stored so.
      this.#done.add(this.#known, position - 1);
      this.#attempts.drop(this.#known, position - 1);
      this.#known = position;
      this.#changes += 1;
      this.#raiseFloor();
    }
  }

  /** What the receiver gets now, up to so many records. */
  take(nowMs: number, maxRecords = Number.POSITIVE_INFINITY): Delivery<B>[] {
    const taking = new Taking<B>(
      nowMs,
      Math.min(maxRecords, this.#options.maxInFlight - this.#inFlight.size),
    );
    for (const [first, last] of this.#again(nowMs)) {
      this.#deliver(first, last, taking);
    }
    while (this.#taken < this.#known && taking.room > 0) {
      const from = this.#taken;
      const batch = this.#open.at(from);
      if (batch === undefined) {
        this.#taken = this.#open.startAfter(from) ?? this.#known;
      } else {
        this.#taken = this.#deliver(from, batch.position + batch.count - 1, taking);
      }
    }
    this.#raiseFloor();
    return taking.deliveries;
  }

  /** When {@link take} may give more without anything else happening: the next backoff that ends. */
  nextRetryAtMs(): number | undefined {
    return this.#attempts.nextAtMs((position) => this.#isWaiting(position));
  }

  /** Done. Also for what was taken and lost meanwhile: the receiver did finish it. Anything else is ignored. */
  ack(first: number, last: number): void {
    for (const [from, until] of this.#done.missingIn(
      Math.max(first, this.#floor),
      Math.min(last, this.#taken - 1),
    )) {
      this.#finish(from, until);
    }
    this.#raiseFloor();
  }

  /** The receiver failed. Only what is in flight counts. */
  nack(first: number, last: number, nowMs: number, error: string, delayMs?: number): void {
    for (const position of this.#landed(first, last)) {
      const tried = this.#attempts.of(position);
      const attempts = tried.attempts + 1;
      const nextAtMs = nowMs + (delayMs ?? this.#options.backoffMs(attempts));
      const reason = attempts >= this.#options.maxDeliver ? "MAX_DELIVER" : undefined;
      this.#tryAgain({ ...tried, attempts, nextAtMs, lastError: error }, reason);
    }
    this.#raiseFloor();
  }

  /** The connection was lost while it was in flight. Only what is in flight counts. */
  lost(first: number, last: number, nowMs: number, error: string): void {
    for (const position of this.#landed(first, last)) {
      const tried = this.#attempts.of(position);
      const losses = tried.losses + 1;
      const reason = losses >= this.#options.maxLosses ? "MAX_LOSSES" : undefined;
      this.#tryAgain({ ...tried, losses, nextAtMs: nowMs, lastError: error }, reason);
    }
    this.#raiseFloor();
  }

  /** Everything that is in flight is lost. */
  lostAll(nowMs: number, error: string): void {
    this.lost(this.#floor, this.#known, nowMs, error);
  }

  /** Came back unhandled, as from a receiver that stops: it is taken again at once, and nothing is counted. */
  handBack(first: number, last: number): void {
    for (const [from, until] of this.#inFlight.within(first, last)) {
      this.#inFlight.remove(from, until);
      this.#returned.add(from, until);
    }
  }

  /** What to store. Store one snapshot at a time: until {@link stored} is called, the next one has its dead records too. */
  snapshot(): CursorSnapshot {
    return {
      state: {
        floor: this.#floor,
        done: this.#done.ranges.map(([a, b]) => [a, b]),
        attempts: this.#attempts.list(),
      },
      dead: [...this.#dead],
      changes: this.#changes,
    };
  }

  /** A snapshot is stored for good. One that could not be stored is simply forgotten: nothing is lost with it. */
  stored(snapshot: CursorSnapshot): void {
    const stored = new Set(snapshot.dead);
    this.#dead = this.#dead.filter((dead) => !stored.has(dead));
    this.#storedChanges = snapshot.changes;
  }

  /**
   * Delivers what may be delivered between two positions, as far as there is room.
   * @returns how far it came
   */
  #deliver(first: number, last: number, taking: Taking<B>): number {
    for (const [from, until] of this.#done.missingIn(first, last)) {
      let position = from;
      while (position <= until) {
        if (taking.room <= 0) {
          return position;
        }
        position = this.#deliverSome(position, until, taking);
      }
    }
    return last + 1;
  }

  /** The same for records that are not done, up to where the batch or the number of the attempt changes. */
  #deliverSome(from: number, until: number, taking: Taking<B>): number {
    const batch = this.#open.at(from);
    if (batch === undefined) {
      return until + 1;
    }
    if (batch.expiresAtMs !== undefined && batch.expiresAtMs <= taking.nowMs) {
      const { attempts, lastError } = this.#attempts.of(from);
      this.#giveUp({ position: from, reason: "EXPIRED", lastError, attempts });
      return from + 1;
    }
    const end = Math.min(until, batch.position + batch.count - 1, from + taking.room - 1);
    if (this.#attempts.has(from)) {
      const tried = this.#attempts.of(from);
      if (tried.nextAtMs > taking.nowMs && !this.#returned.has(from)) {
        // Passed by; it comes when its backoff is over.
        return from + 1;
      }
      this.#send(batch.batch, from, from, tried.attempts + tried.losses + 1, taking);
      return from + 1;
    }
    const last = this.#attempts.firstAfter(from, end) - 1;
    this.#send(batch.batch, from, last, 1, taking);
    return last + 1;
  }

  /** What is taken again, by position: what was handed back must not overtake what was lost before it. */
  #again(nowMs: number): readonly (readonly [number, number])[] {
    const due = this.#attempts.due(nowMs).filter((position) => this.#isWaiting(position));
    const again = due.map((position) => [position, position] as const);
    return new PositionRanges([...this.#returned.ranges, ...again]).ranges;
  }

  #send(batch: B, first: number, last: number, attempt: number, taking: Taking<B>): void {
    this.#inFlight.add(first, last);
    this.#returned.remove(first, last);
    taking.add({ batch, first, last, attempt });
  }

  /** Failed once, and not with the receiver now. What was not taken since the start comes in its turn. */
  #isWaiting(position: number): boolean {
    return position < this.#taken && !this.#inFlight.has(position) && !this.#returned.has(position);
  }

  /** What of a range was in flight, which it is no more. */
  #landed(first: number, last: number): readonly number[] {
    const positions = this.#inFlight.extract(first, last);
    if (positions.length > 0) {
      this.#changes += 1;
    }
    return positions;
  }

  #tryAgain(tried: RecordAttempts, giveUp: GiveUpReason | undefined): void {
    if (giveUp === undefined) {
      this.#attempts.put(tried);
      return;
    }
    const { position, lastError, attempts } = tried;
    this.#giveUp({ position, reason: giveUp, lastError, attempts });
  }

  #giveUp(dead: GivenUp): void {
    this.#dead.push(dead);
    this.#finish(dead.position, dead.position);
  }

  #finish(first: number, last: number): void {
    this.#done.add(first, last);
    this.#inFlight.remove(first, last);
    this.#returned.remove(first, last);
    this.#attempts.drop(first, last);
    this.#open.finish(first, last);
    this.#changes += 1;
  }

  #raiseFloor(): void {
    const range = this.#done.ranges[0];
    if (range !== undefined && range[0] <= this.#floor) {
      this.#floor = Math.max(this.#floor, range[1] + 1);
      this.#done.remove(range[0], range[1]);
      // What was stored as done may reach beyond what was offered since.
      this.#known = Math.max(this.#known, this.#floor);
      this.#taken = Math.max(this.#taken, this.#floor);
    }
  }
}
