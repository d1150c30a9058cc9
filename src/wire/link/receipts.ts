import type { CreditWindow } from "./packet-writer.ts";

/** How long the other end may wait for credit that is too little to be worth a frame of its own. */
const CREDIT_DELAY_MS = 50;

/** Counts what was taken of the other end's frames, and says when it is time to tell. */
export class Receipts {
  readonly #window: CreditWindow;
  readonly #give: (takenBytes: number, takenMessages: number) => void;
  #takenBytes = 0;
  #takenMessages = 0;
  #toldBytes = 0;
  #toldMessages = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param give sends credit: all bytes and messages taken since the stream began */
  constructor(window: CreditWindow, give: (takenBytes: number, takenMessages: number) => void) {
    this.#window = window;
    this.#give = give;
  }

  take(bytes: number, messages: number): void {
    this.#takenBytes += bytes;
    this.#takenMessages += messages;
    if (
      (this.#takenBytes - this.#toldBytes) * 4 >= this.#window.bytes ||
      (this.#takenMessages - this.#toldMessages) * 4 >= this.#window.messages
    ) {
      this.tell();
    } else {
      this.#timer ??= setTimeout(() => this.tell(), CREDIT_DELAY_MS);
    }
  }

  /** Gives the credit that is owed now. @param hasNews true when there is something to say beside */
  tell(hasNews = false): void {
    this.close();
    if (hasNews || this.#toldBytes !== this.#takenBytes) {
      this.#toldBytes = this.#takenBytes;
      this.#toldMessages = this.#takenMessages;
      this.#give(this.#takenBytes, this.#takenMessages);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
