/** A batch of the log, as a cursor is offered it. */
export interface OfferedBatch<B> {
  /** Of the first record; the others follow. */
  readonly position: number;
  readonly count: number;
  /** From then on its records are not delivered any more, in milliseconds since 1970. */
  readonly expiresAtMs: number | undefined;
  readonly batch: B;
}

interface OpenBatch<B> extends OfferedBatch<B> {
  /** Records that are not done. */
  open: number;
}

/** The batches of which some record is not done, by position. */
export class OpenBatches<B> {
  readonly #batches: OpenBatch<B>[] = [];
  /** Before it, everything is done: cheaper than to shift the array for each batch. */
  #head = 0;
  #records = 0;

  /** Records that are not done. */
  get records(): number {
    return this.#records;
  }

  /** The next one by position, with so many records that are not done. */
  add(batch: OfferedBatch<B>, open: number): void {
    this.#batches.push({ ...batch, open });
    this.#records += open;
  }

  at(position: number): OfferedBatch<B> | undefined {
    const batch = this.#batches[this.#indexOf(position)];
    return batch !== undefined && batch.position <= position ? batch : undefined;
  }

  /** Where the next batch begins after a position at which there is none. */
  startAfter(position: number): number | undefined {
    return this.#batches[this.#indexOf(position)]?.position;
  }

  /** These records, open until now, are done. */
  finish(first: number, last: number): void {
    let from = first;
    for (let index = this.#indexOf(first); from <= last; ) {
      const batch = this.#batches[index];
      if (batch === undefined || batch.position > last) {
        break;
      }
      const end = Math.min(last, batch.position + batch.count - 1);
      const records = end - Math.max(from, batch.position) + 1;
      batch.open -= records;
      this.#records -= records;
      from = end + 1;
      if (batch.open > 0) {
        index += 1;
      } else if (index === this.#head) {
        this.#head += 1;
        index += 1;
      } else {
        this.#batches.splice(index, 1);
      }
    }
    if (this.#head > 16 && this.#head * 2 > this.#batches.length) {
      this.#batches.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** The first batch that ends after a position: its index, or the length. */
  #indexOf(position: number): number {
    let low = this.#head;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches[middle];
      if (batch !== undefined && batch.position + batch.count <= position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
