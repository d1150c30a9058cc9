import { encodeControlFrame } from "./frames.ts";
import type { PacketWriter } from "./packet-writer.ts";

/**
 * Numbers of routes that no other batch comes on. The other end is told before the next frame rather than
 * at once: one that gets nothing may remember a little longer.
 */
export class GoneRoutes {
  readonly #writer: PacketWriter;
  #numbers: number[] = [];

  constructor(writer: PacketWriter) {
    this.#writer = writer;
  }

  add(number: number): void {
    this.#numbers.push(number);
  }

  /** To be called before a frame, and before the stream is ended. */
  tell(): void {
    if (this.#numbers.length > 0) {
      const numbers = this.#numbers;
      this.#numbers = [];
      this.#writer.sendControl(encodeControlFrame({ case: "routesGone", value: { numbers } }));
    }
  }
}
