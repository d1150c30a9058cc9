import { compress, type Encoding, numberOfEncoding } from "../wire/link/compression.ts";
import type { ClosedBatch, NumberedRoute } from "./outgoing-batches.ts";
import { PackingTrial } from "./packing-trial.ts";

/** A batch as it goes out. */
export interface PackedBatch {
  readonly frame: Uint8Array;
  /** Undefined when it is not compressed. */
  readonly encoding: Encoding | undefined;
  /** What compression has taken off it. */
  readonly savedBytes: number;
}

/** Compresses batches where it is worth it. */
export class BatchPacking {
  readonly #trials = new WeakMap<NumberedRoute, PackingTrial>();

  /** @param first number of its first record @param encoding what the host reads and this worker may use */
  pack(batch: ClosedBatch, first: number, encoding: Encoding | undefined): PackedBatch {
    const { records, route } = batch;
    const { byteLength } = records;
    if (encoding === undefined || !this.#trialOf(route).isDue(byteLength)) {
      return plain(batch, first);
    }
    const packed = compress(encoding, records.records);
    if (!this.#trialOf(route).isWorth(byteLength, packed.byteLength)) {
      return plain(batch, first);
    }
    const packing = { encoding: numberOfEncoding(encoding), inflatedBytes: byteLength };
    const frame = records.closePacked(route.number, first, packing, packed);
    return { frame, encoding, savedBytes: byteLength - packed.byteLength };
  }

  #trialOf(route: NumberedRoute): PackingTrial {
    let trial = this.#trials.get(route);
    if (trial === undefined) {
      trial = new PackingTrial();
      this.#trials.set(route, trial);
    }
    return trial;
  }
}

export function plain({ records, route }: ClosedBatch, first: number): PackedBatch {
  return { frame: records.close(route.number, first), encoding: undefined, savedBytes: 0 };
}
