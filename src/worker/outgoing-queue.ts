// biome-ignore-all lint/style/noExcessiveLinesPerFile: one queue with one state
import type { AgentId } from "../core/agent-id.ts";
import type { Envelope, EventEnvelope, Payload } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PrioritizedQueue, type QueueLimits } from "../core/prioritized-queue.ts";
import { priorityOf } from "../core/priority.ts";
import type { TopicId } from "../core/topic-id.ts";
import { matchesAnyPattern, type TopicPattern } from "../core/topic-pattern.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import type { BatchedForm } from "./batched-form.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { type ClosedBatch, OutgoingBatches } from "./outgoing-batches.ts";
import {
  assertFits,
  type OutgoingMessage,
  outgoingMessage,
  withOwnData,
  writeMessage,
} from "./outgoing-message.ts";
import { UnacceptedBatches } from "./unaccepted-batches.ts";
import { Waiters } from "./waiters.ts";

type Outgoing = OutgoingMessage | ClosedBatch;

export interface OutgoingQueueOptions {
  readonly limits: QueueLimits;
  readonly maxMessageBytes: number;
  /** Numbers the records of this queue's batches; see EventBatch. */
  readonly producer: string;
  /** Called when a frame was handed to the connection. */
  readonly onWritten: (envelope: Envelope) => void;
}

/**
 * The part of a connection's window that messages of durable topics may take: they stay in it until the host's disk
 * has them, and a slow disk must not hold up plain topics and calls.
 */
const DURABLE_SHARE = 0.75;

/**
 * detached: keeps messages for later. answering: the same, but answers of its own go out. open: writes
 * at once. full: the sink asked to wait.
 */
type QueueState =
  | { readonly kind: "detached" }
  | { readonly kind: "answering"; readonly sink: FrameSink }
  | { readonly kind: "open"; readonly sink: FrameSink }
  | { readonly kind: "full"; readonly sink: FrameSink };

/**
 * Messages on their way to the host. While there is no connection it keeps them up to its limits;
 * while there is one it writes only what the connection takes, so that an urgent message overtakes
 * the rest here, and a publisher that is faster than the connection waits.
 */
export class OutgoingQueue {
  readonly #options: OutgoingQueueOptions;
  readonly #queue: PrioritizedQueue<Outgoing>;
  readonly #waiters = new Waiters<OutgoingMessage | BatchedForm>();
  #isWriting = false;
  #state: QueueState = { kind: "detached" };
  #emptyListeners: (() => void)[] = [];
  readonly #batches: OutgoingBatches;
  readonly #unaccepted = new UnacceptedBatches();
  #durable: readonly TopicPattern[] = [];
  /** For room in the window's part of durable topics. */
  readonly #durableWaiters = new Waiters<BatchedForm>();
  /** Of closed batches that somebody waits for to be stored. */
  readonly #durableUnderWay = { bytes: 0, messages: 0 };
  readonly #outcomes = new Map<BatchedForm, Promise<void> | undefined>();

  constructor(options: OutgoingQueueOptions) {
    this.#options = options;
    this.#queue = new PrioritizedQueue<Outgoing>(options.limits);
    this.#batches = new OutgoingBatches(
      options.producer,
      (batch) => {
        this.#pushBatch(batch);
        this.#writeAll();
      },
      (route) => this.#sink?.batches?.forget(route),
    );
  }

  get length(): number {
    const waiting = this.#waiters.length + this.#durableWaiters.length;
    return this.#queue.length + this.#batches.openMessages + waiting;
  }

  /** True unless the connection of now is one that knows no batches. */
  get takesBatches(): boolean {
    return this.#state.kind === "detached" || this.#state.sink.batches !== undefined;
  }

  /**
   * Takes a message for a batch; undefined: it is accepted. Of a durable topic it is when the host has stored it.
   * @throws AgentrtError as `send`, except `CANCELLED`
   */
  publish(record: BatchedForm): Promise<void> | undefined {
    const { data, extras, route } = record;
    const isDurable = this.isDurable(route.topic.type);
    assertFits(data.byteLength + (extras?.byteLength ?? 0), this.#options.maxMessageBytes);
    if (isDurable && (this.#durableWaiters.length > 0 || !this.#hasDurableRoom)) {
      return this.#waitUntilStored(record, this.#durableWaiters);
    }
    if (this.#waiters.length === 0 && this.#hasRoomFor(data.byteLength)) {
      return this.#batches.add(record.route, data, extras, isDurable);
    }
    this.#batches.closeAll();
    return isDurable
      ? this.#waitUntilStored(record, this.#waiters)
      : this.#waitForRoom(record, undefined);
  }

  /** As `publish`, of the last batch's route again and without headers; false when something needs a closer look. */
  publishBare(topic: TopicId, sender: AgentId | undefined, payload: Payload): boolean {
    const { byteLength } = payload.data;
    return (
      this.#durable.length === 0 &&
      this.#waiters.length === 0 &&
      this.takesBatches &&
      byteLength <= this.#options.maxMessageBytes &&
      this.#hasRoomFor(byteLength) &&
      this.#batches.addAgain(topic, sender, payload)
    );
  }

  /** True for a topic whose records the host acknowledges when they are stored, as far as it has said so. */
  isDurable(topicType: string): boolean {
    return this.#durable.length > 0 && matchesAnyPattern(this.#durable, topicType);
  }

  /**
   * Resolves when the message is accepted.
   * @throws AgentrtError `TOO_LARGE`; `NOT_CONNECTED` when there is no connection and no room;
   *   `QUEUE_FULL` when too many publishers wait for a slow connection; `CANCELLED`
   */
  async send(
    envelope: Envelope,
    signal: SignalLike | undefined,
    onlyFor?: FrameSink,
  ): Promise<void> {
    await this.offer(envelope, signal, onlyFor);
  }

  /** As `send`; undefined when it is accepted at once, and what `send` rejects with may be thrown. */
  offer(
    envelope: Envelope,
    signal: SignalLike | undefined,
    onlyFor?: FrameSink,
  ): Promise<void> | undefined {
    const item = outgoingMessage(envelope, this.#options.maxMessageBytes, onlyFor, signal);
    // What was published before goes out before it.
    this.#batches.closeAll();
    if (this.#state.kind === "answering" && onlyFor === this.#state.sink) {
      writeMessage(item, onlyFor);
      return undefined;
    }
    const isNothingBefore =
      this.#waiters.length === 0 && this.#queue.length === 0 && !this.#isWriting;
    if (isNothingBefore && this.#state.kind === "open") {
      this.#write(item, this.#state.sink);
      return undefined;
    }
    const kept = withOwnData(item);
    if (this.#waiters.length === 0 && this.#push(kept)) {
      this.#writeAll();
      return undefined;
    }
    return this.#waitForRoom(kept, signal);
  }

  /** Begins to write to a connection, what was kept first. */
  attach(sink: FrameSink): void {
    const { batches } = sink;
    this.#batches.closeAll();
    this.#state = { kind: "open", sink };
    sink.onDrain(() => {
      if (this.#state.kind === "full" && this.#state.sink === sink) {
        this.#state = { kind: "open", sink };
        this.#writeAll();
      }
    });
    batches?.onAccepted((accepted, received) => {
      this.#unaccepted.accepted(accepted);
      if (received > accepted) {
        this.#unaccepted.received(received, (topicType) => this.isDurable(topicType));
      }
      this.#tellIfEmpty();
    });
    batches?.onDurable(
      (patterns) => {
        this.#durable = patterns;
      },
      (refused) => {
        this.#unaccepted.refused(refused);
        this.#tellIfEmpty();
      },
    );
    if (batches === undefined) {
      this.#durable = [];
    }
    if (batches !== undefined) {
      this.#unaccepted.reconnect(batches);
    } else if (!writeEvents(this.#unaccepted.takeEvents(), sink)) {
      this.#state = { kind: "full", sink };
    }
    this.#writeAll();
  }

  /** From now on only answers go out; everything else is kept for the next connection. */
  answerOnly(): void {
    if (this.#state.kind === "open" || this.#state.kind === "full") {
      this.#batches.closeAll();
      this.#state = { kind: "answering", sink: this.#state.sink };
    }
  }

  /** Stops writing; publishers that wait for room get `NOT_CONNECTED`. */
  detach(): void {
    this.#state = { kind: "detached" };
    this.#admitDurable();
    this.#durableWaiters.rejectAll(() => notConnected(this.#queue));
    this.#waiters.rejectAll(() => notConnected(this.#queue));
  }

  /** Resolves when everything was handed to the connection. */
  async emptied(): Promise<void> {
    this.#batches.closeAll();
    while (this.length > 0 || this.#state.kind === "full" || this.#isAwaited) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptyListeners.push(resolve);
      await promise;
    }
  }

  /** Gives up everything that waits. Returns how many messages that were. */
  clear(): number {
    this.#batches.closeAll();
    const { length } = this.#queue;
    const stopped = new AgentrtError(
      "NOT_CONNECTED",
      "The runtime stopped before the host had said that it has stored the message. It may have.",
    );
    for (const item of this.#queue.drain()) {
      if (item.kind === "batch") {
        item.outcome?.reject(stopped);
      }
    }
    this.#unaccepted.giveUp(stopped);
    return length;
  }

  /** True while a connected host has not said yet what became of a message of a durable topic. */
  get #isAwaited(): boolean {
    return this.#sink?.batches !== undefined && this.#unaccepted.isAwaited;
  }

  async #waitUntilStored(
    record: BatchedForm,
    waiters: Pick<Waiters<BatchedForm>, "wait" | "length">,
  ): Promise<void> {
    this.#outcomes.set(record, undefined);
    try {
      await this.#waitForRoom(record, undefined, waiters);
      await this.#outcomes.get(record);
    } finally {
      this.#outcomes.delete(record);
    }
  }

  get #sink(): FrameSink | undefined {
    return this.#state.kind === "detached" ? undefined : this.#state.sink;
  }

  #hasRoomFor(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#options.limits;
    const { openMessages, openBytes } = this.#batches;
    const messages = this.#queue.length + openMessages;
    return (
      messages < maxMessages &&
      (messages === 0 || this.#queue.bytes + openBytes + bytes <= maxBytes)
    );
  }

  get #hasDurableRoom(): boolean {
    const window = this.#sink?.batches?.window;
    if (window === undefined) {
      return true;
    }
    const { bytes, messages } = this.#durableUnderWay;
    const open = this.#batches.openDurable;
    return (
      bytes + open.bytes < window.bytes * DURABLE_SHARE &&
      messages + open.messages < window.messages * DURABLE_SHARE
    );
  }

  #admitDurable(): void {
    // In the order in which they came.
    if (this.#durableWaiters.length > 0 && this.#waiters.length === 0) {
      this.#durableWaiters.admit((item) => this.#hasDurableRoom && this.#admit(item));
    }
  }

  /** A batch that was begun had room. */
  #pushBatch(batch: ClosedBatch): void {
    const { count, byteLength } = batch.records;
    if (batch.outcome !== undefined) {
      this.#durableUnderWay.bytes += byteLength;
      this.#durableUnderWay.messages += count;
      const settled = (): void => {
        this.#durableUnderWay.bytes -= byteLength;
        this.#durableUnderWay.messages -= count;
        this.#writeAll();
      };
      batch.outcome.promise.then(settled, settled);
    }
    this.#queue.pushAnyway(batch, byteLength, batch.route.priority, count);
  }

  #push(item: OutgoingMessage): boolean {
    return this.#queue.push(item, item.size, priorityOf(item.envelope.headers));
  }

  async #waitForRoom<T extends OutgoingMessage | BatchedForm>(
    item: T,
    signal: SignalLike | undefined,
    waiters: Pick<Waiters<T>, "wait" | "length"> = this.#waiters,
  ): Promise<void> {
    if (this.#state.kind === "detached" || this.#state.kind === "answering") {
      throw notConnected(this.#queue);
    }
    if (waiters.length >= this.#options.limits.maxMessages) {
      throw new AgentrtError(
        "QUEUE_FULL",
        `${this.length} messages wait for the connection to the host already. Await each publish, or send slower.`,
      );
    }
    await waiters.wait(item, signal);
  }

  #writeAll(): void {
    if (this.#isWriting) {
      return;
    }
    this.#isWriting = true;
    while (this.#state.kind === "open") {
      if (this.#unaccepted.isSendingAgain && !this.#sendAgain(this.#state.sink)) {
        break;
      }
      this.#waiters.admit((item) => this.#admit(item));
      this.#admitDurable();
      const item = this.#queue.shift();
      if (item === undefined) {
        break;
      }
      this.#write(item, this.#state.sink);
    }
    this.#isWriting = false;
    this.#tellIfEmpty();
  }

  /** False: the sink wants no more. */
  #sendAgain(sink: FrameSink): boolean {
    const hasRoom = sink.batches === undefined || this.#unaccepted.sendAgain(sink.batches);
    if (!hasRoom) {
      this.#state = { kind: "full", sink };
    }
    return hasRoom;
  }

  #write(item: Outgoing, sink: FrameSink): void {
    let hasRoom: boolean;
    if (item.kind === "batch") {
      hasRoom = this.#writeBatch(item, sink);
    } else {
      const isMeant = item.onlyFor === undefined || item.onlyFor === sink;
      if (item.signal?.aborted === true || !isMeant) {
        return;
      }
      hasRoom = writeMessage(item, sink);
    }
    if (!hasRoom) {
      this.#state = { kind: "full", sink };
    }
    if (item.kind === "message") {
      this.#options.onWritten(item.envelope);
    }
  }

  /** False while there is no room. */
  #admit(item: OutgoingMessage | BatchedForm): boolean {
    if (item.kind === "message") {
      return this.#push(item);
    }
    if (!this.#hasRoomFor(item.data.byteLength)) {
      return false;
    }
    const isDurable = this.#outcomes.has(item);
    const stored = this.#batches.add(item.route, item.data, item.extras, isDurable);
    if (isDurable) {
      this.#outcomes.set(item, stored);
    }
    return true;
  }

  #writeBatch(batch: ClosedBatch, sink: FrameSink): boolean {
    return sink.batches === undefined
      ? writeEvents(this.#unaccepted.numberEvents(batch), sink)
      : this.#unaccepted.send(batch, sink.batches);
  }

  #tellIfEmpty(): void {
    // First of all, because it is asked after every write and nearly always nobody listens.
    if (this.#emptyListeners.length === 0) {
      return;
    }
    if (this.length === 0 && this.#state.kind !== "full" && !this.#isAwaited) {
      const listeners = this.#emptyListeners;
      this.#emptyListeners = [];
      for (const resolve of listeners) {
        resolve();
      }
    }
  }
}

function notConnected(queue: PrioritizedQueue<Outgoing>): AgentrtError {
  return new AgentrtError(
    "NOT_CONNECTED",
    `There is no connection to the host, and ${queue.length} messages (${queue.bytes} bytes) wait for it already, the limit. They go out when the host is back; send this one again then.`,
    { data: { waitingMessages: queue.length, waitingBytes: queue.bytes } },
  );
}

/** False: the sink wants no more, though it has taken all of these. */
function writeEvents(events: readonly EventEnvelope[], sink: FrameSink): boolean {
  return events.reduce((_, event) => sink.write(encodeMessage(event)), true);
}
