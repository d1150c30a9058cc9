import type { BatchRoute, EventBatch } from "../core/event-batch.ts";
import { priorityOf } from "../core/priority.ts";
import { RETAIN_KEY_HEADER } from "../core/routing-headers.ts";

/** Streams that are remembered; the least recently begun are forgotten first. */
const MAX_STREAMS = 10_000;

interface Newest {
  sequence: number;
}

/**
 * How far each publisher's batches of a topic, key and priority have come. A host passes them on in their order, so what
 * comes with a lower number was here before, or had no receiver in a host that was killed since: its publisher sends
 * it again after that, and it would come behind what was published later.
 */
export class NewestRecords {
  /** The routes of one connection are the same objects while it lasts. */
  readonly #byRoute = new WeakMap<BatchRoute, Newest>();
  readonly #byStream = new Map<string, Newest>();

  /** True for a batch that a later one has overtaken; else it is the newest from now on. */
  isOvertaken({ route, sequence, count }: EventBatch): boolean {
    const newest = this.#byRoute.get(route) ?? this.#newestOf(route);
    if (sequence <= newest.sequence) {
      return true;
    }
    newest.sequence = sequence + count - 1;
    return false;
  }

  #newestOf(route: BatchRoute): Newest {
    const { producer, topic, sender, headers, receivers } = route;
    const parts = [producer, topic.type, topic.source, sender?.toString() ?? "", receivers.join()];
    // Of a topic that keeps the latest, a newer one of one key may come before an older one of another.
    const key = headers[RETAIN_KEY_HEADER] ?? "";
    const stream = [...parts, priorityOf(headers), key].join("\n");
    const newest = this.#byStream.get(stream) ?? { sequence: 0 };
    // The one that was begun last comes last.
    this.#byStream.delete(stream);
    this.#byStream.set(stream, newest);
    for (const oldest of this.#byStream.keys()) {
      if (this.#byStream.size <= MAX_STREAMS) {
        break;
      }
      this.#byStream.delete(oldest);
    }
    this.#byRoute.set(route, newest);
    return newest;
  }
}
