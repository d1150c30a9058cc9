import { shorten } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { Envelope } from "../core/envelope.ts";
import { AgentrtError, type ErrorCode } from "../core/errors.ts";
import { type EventBatch, recordId } from "../core/event-batch.ts";
import type { DeadLetterStore } from "../core/state-store.ts";
import { DeadLetterBuffer } from "../store/dead-letter-buffer.ts";
import type { IncidentLog } from "./incident-log.ts";

const RECENT = 200;
const MAX_DETAIL_LENGTH = 1_000;
const MAX_NAME_LENGTH = 255;

/**
 * What could not be delivered: counted by reason, the newest kept for the status page and, with
 * a store, between runs. Storing is off the message path, and its failure stops nothing.
 */
export class DeadLetters {
  readonly #store: DeadLetterStore | undefined;
  readonly #incidents: IncidentLog;
  readonly #byReason = new Map<ErrorCode, number>();
  #recent: DeadLetter[] = [];
  readonly #buffer: DeadLetterBuffer | undefined;
  #total = 0;

  constructor(store: DeadLetterStore | undefined, incidents: IncidentLog) {
    this.#store = store;
    this.#incidents = incidents;
    this.#buffer =
      store === undefined
        ? undefined
        : new DeadLetterBuffer(store, (error) => this.#storeFailed(error));
    this.#recent = this.#load();
  }

  add(reason: ErrorCode, detail: string, envelope: Envelope): void {
    this.addLetter({
      at: new Date().toISOString(),
      reason,
      detail,
      messageId: envelope.id,
      kind: envelope.kind,
      destination: destinationOf(envelope),
      sender: envelope.kind === "response" ? "" : String(envelope.sender ?? ""),
      dataType: envelope.payload.dataType,
      bytes: envelope.payload.data.byteLength,
    });
  }

  /**
   * One letter for all messages of a batch; each of them is counted.
   * @param messages how many of them, the first ones
   */
  addBatch(
    reason: ErrorCode,
    detail: string,
    batch: Pick<EventBatch, "route" | "sequence" | "count"> & { readonly recordsBytes: number },
    messages = batch.count,
  ): void {
    const { route, sequence, recordsBytes } = batch;
    this.addLetter({
      at: new Date().toISOString(),
      reason,
      detail,
      messageId: recordId(route.producer, sequence),
      kind: "event",
      destination: String(route.topic),
      sender: String(route.sender ?? ""),
      dataType: route.dataType,
      bytes: recordsBytes,
      messages,
    });
  }

  addLetter(full: DeadLetter): void {
    const letter = withShortTexts(full);
    const { messages = 1 } = letter;
    this.#total += messages;
    this.#byReason.set(letter.reason, (this.#byReason.get(letter.reason) ?? 0) + messages);
    this.#recent.push(letter);
    if (this.#recent.length > RECENT * 2) {
      this.#recent = this.#recent.slice(-RECENT);
    }
    this.#buffer?.add(letter);
  }

  /** Since the host started. */
  get total(): number {
    return this.#total;
  }

  get byReason(): Readonly<Partial<Record<ErrorCode, number>>> {
    return Object.fromEntries(this.#byReason);
  }

  /** Newest first; with a store, those of earlier runs too. */
  get recent(): readonly DeadLetter[] {
    return this.#recent.slice(-RECENT).reverse();
  }

  /** Stores what waits. Called by itself, and at the host's stop. */
  flush(): void {
    this.#buffer?.flush();
  }

  #storeFailed(error: unknown): void {
    this.#incidents.record(AgentrtError.from(error, "STORE_UNUSABLE"), "");
  }

  #load(): DeadLetter[] {
    try {
      return [...(this.#store?.listDeadLetters(RECENT) ?? [])].reverse();
    } catch (error) {
      this.#storeFailed(error);
      return [];
    }
  }
}

/** Letters are kept, and a peer chooses most of their texts. */
function withShortTexts(letter: DeadLetter): DeadLetter {
  return {
    ...letter,
    detail: shorten(letter.detail, MAX_DETAIL_LENGTH),
    messageId: shorten(letter.messageId, MAX_NAME_LENGTH),
    destination: shorten(letter.destination, MAX_NAME_LENGTH),
    sender: shorten(letter.sender, MAX_NAME_LENGTH),
    dataType: shorten(letter.dataType, MAX_NAME_LENGTH),
  };
}

function destinationOf(envelope: Envelope): string {
  switch (envelope.kind) {
    case "event":
      return String(envelope.topic);
    case "request":
      return String(envelope.target);
    case "response":
      return "";
    default:
      throw envelope satisfies never;
  }
}
