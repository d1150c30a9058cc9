/** A batch with fewer bytes is not worth the work. */
const MIN_BYTES = 1_024;
/** Compression is worth it when it leaves no more than this share of a batch. */
const WORTH_SHARE = 0.8;
/** Batches of a route that go out plain after one that was not worth it; twice as many after each further one. */
const FIRST_PAUSE = 8;
const MAX_PAUSE = 1_024;

/** Whether the batches of one route are worth compressing, by what was seen of them. */
export class PackingTrial {
  #pause = 0;
  #nextPause = FIRST_PAUSE;

  /** False: the batch goes out plain, untried. */
  isDue(plainBytes: number): boolean {
    if (plainBytes < MIN_BYTES) {
      return false;
    }
    if (this.#pause > 0) {
      this.#pause -= 1;
      return false;
    }
    return true;
  }

  /** Notes how one was compressed. False: it goes out plain. */
  isWorth(plainBytes: number, packedBytes: number): boolean {
    if (packedBytes <= plainBytes * WORTH_SHARE) {
      this.#nextPause = FIRST_PAUSE;
      return true;
    }
    this.#pause = this.#nextPause;
    this.#nextPause = Math.min(this.#nextPause * 2, MAX_PAUSE);
    return false;
  }
}
