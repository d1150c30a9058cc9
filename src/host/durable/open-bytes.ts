/** How many bytes the batches take that a cursor has read and not finished. */
export class OpenBytes {
  #batches: { readonly end: number; readonly bytes: number }[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @param end the position behind the batch; higher each time */
  add(end: number, bytes: number): void {
    this.#batches.push({ end, bytes });
    this.#bytes += bytes;
  }

  /** Everything below the position is done. */
  forgetBelow(position: number): void {
    const next = this.#batches.findIndex(({ end }) => end > position);
    const done = next < 0 ? this.#batches : this.#batches.slice(0, next);
    if (done.length > 0) {
      this.#batches = this.#batches.slice(done.length);
      this.#bytes -= done.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }
}
