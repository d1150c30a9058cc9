/** How long the other end may wait for credit that is too little to be worth a frame of its own. */
const CREDIT_DELAY_MS = 50;

/** Counts what was taken of the other end's frames, and says when it is time to tell. */
export class Receipts {
  readonly #windowBytes: number;
  readonly #give: (takenBytes: number) => void;
  #takenBytes = 0;
  #toldBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param give sends credit: all bytes taken since the stream began */
  constructor(windowBytes: number, give: (takenBytes: number) => void) {
    this.#windowBytes = windowBytes;
    this.#give = give;
  }

  take(bytes: number): void {
    this.#takenBytes += bytes;
    if ((this.#takenBytes - this.#toldBytes) * 4 >= this.#windowBytes) {
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
      this.#give(this.#takenBytes);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
