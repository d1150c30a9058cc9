import type { AgentrtError } from "../core/errors.ts";
import { toStatus } from "../wire/grpc-status.ts";
import type { HostStream } from "./session.ts";

/** How long a worker may take to read what was on its way when its stream was ended. */
const UNREAD_GRACE_MS = 5_000;

/**
 * Streams that were ended and have not been read to their end. What was written to them stays in
 * memory until then, and gRPC cannot give up a single stream from the server's side; so a peer
 * that never reads would swell the host by each stream that it opens. Its connection is closed.
 */
export class EndingStreams {
  readonly #hangUp: (peer: string) => void;
  readonly #now: () => number;
  /** In the order of their ends. */
  readonly #endedAtMs = new Map<HostStream, number>();

  /** @param hangUp closes the connection of a peer, `host:port` as gRPC names it */
  constructor(hangUp: (peer: string) => void, now: () => number = Date.now) {
    this.#hangUp = hangUp;
    this.#now = now;
  }

  get size(): number {
    return this.#endedAtMs.size;
  }

  /** Ends a stream with OK, or with the status of an error. Safe to call twice. */
  end(stream: HostStream, error?: AgentrtError): void {
    if (stream.cancelled || stream.destroyed || this.#endedAtMs.has(stream)) {
      return;
    }
    this.#endedAtMs.set(stream, this.#now());
    const isOver = (): void => {
      this.#endedAtMs.delete(stream);
    };
    stream.once("finish", isOver);
    stream.once("cancelled", isOver);
    if (error === undefined) {
      stream.end();
    } else {
      stream.emit("error", toStatus(error));
    }
  }

  /** To be called often. */
  hangUpOnUnread(): void {
    for (const [stream, endedAtMs] of this.#endedAtMs) {
      if (this.#now() - endedAtMs <= UNREAD_GRACE_MS) {
        return;
      }
      this.#endedAtMs.delete(stream);
      this.#hangUp(stream.getPeer());
    }
  }
}
