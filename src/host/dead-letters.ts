import { shorten } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { Envelope } from "../core/envelope.ts";
import { AgentrtError, type ErrorCode } from "../core/errors.ts";
import type { DeadLetterStore } from "../core/state-store.ts";
import type { IncidentLog } from "./incident-log.ts";

const RECENT = 200;
const STORE_EVERY_MS = 1_000;
/** Letters that wait for the store at the most; more than these are counted, and only the newest are stored. */
const MAX_UNSTORED = 1_000;
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
  #unstored: DeadLetter[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #total = 0;

  constructor(store: DeadLetterStore | undefined, incidents: IncidentLog) {
    this.#store = store;
    this.#incidents = incidents;
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

  addLetter(full: DeadLetter): void {
    const letter = withShortTexts(full);
    this.#total += 1;
    this.#byReason.set(letter.reason, (this.#byReason.get(letter.reason) ?? 0) + 1);
    this.#recent.push(letter);
    if (this.#recent.length > RECENT * 2) {
      this.#recent = this.#recent.slice(-RECENT);
    }
    if (this.#store !== undefined) {
      this.#unstored.push(letter);
      if (this.#unstored.length > MAX_UNSTORED * 2) {
        this.#unstored = this.#unstored.slice(-MAX_UNSTORED);
      }
      this.#timer ??= setTimeout(() => this.flush(), STORE_EVERY_MS);
    }
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
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const letters = this.#unstored;
    this.#unstored = [];
    if (letters.length === 0) {
      return;
    }
    try {
      this.#store?.addDeadLetters(letters);
    } catch (error) {
      this.#incidents.record(AgentrtError.from(error, "STORE_UNUSABLE"), "");
    }
  }

  #load(): DeadLetter[] {
    try {
      return [...(this.#store?.listDeadLetters(RECENT) ?? [])].reverse();
    } catch (error) {
      this.#incidents.record(AgentrtError.from(error, "STORE_UNUSABLE"), "");
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
