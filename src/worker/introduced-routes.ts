import type { BatchRoute } from "../core/event-batch.ts";
import { encodeRoute } from "../wire/link/frames.ts";
import { GoneRoutes } from "../wire/link/gone-routes.ts";
import type { PacketWriter } from "../wire/link/packet-writer.ts";

/** The routes of batches that the host of one link knows, no more at a time than it takes. */
export class IntroducedRoutes {
  readonly #writer: PacketWriter;
  /** The one that was introduced first comes first. */
  readonly #numbers = new Set<number>();
  readonly #gone: GoneRoutes;
  #max = 1;

  constructor(writer: PacketWriter) {
    this.#writer = writer;
    this.#gone = new GoneRoutes(writer);
  }

  /** To be called when the host has said how many it takes. */
  set max(count: number) {
    this.#max = Math.max(1, count);
  }

  /** To be called before each batch: the host has to know its route. */
  introduce(number: number, route: BatchRoute): void {
    this.#gone.tell();
    if (this.#numbers.has(number)) {
      return;
    }
    const [oldest] = this.#numbers;
    if (oldest !== undefined && this.#numbers.size >= this.#max) {
      // It is introduced anew when another batch comes on it.
      this.forget(oldest);
      this.#gone.tell();
    }
    this.#numbers.add(number);
    this.#writer.sendControl(encodeRoute(number, route));
  }

  /** No batch comes on it any more; the host is told before the next batch. */
  forget(number: number): void {
    if (this.#numbers.delete(number)) {
      this.#gone.add(number);
    }
  }
}
