import { TURNS_BEFORE_LOWER } from "../../src/core/prioritized-queue.ts";
import { PRIORITIES, type Priority } from "../../src/core/priority.ts";

/** What a queue holds, in the words of its reference. */
export interface PlainItem {
  readonly number: number;
  readonly bytes: number;
  readonly priority: Priority;
  readonly isKept: boolean;
}

/** The plain reference: one list in order of arrival, looked through each time. */
export class PlainQueue<Item extends PlainItem> {
  items: Item[] = [];
  #highInARow = 0;
  #normalInARow = 0;
  readonly #maxMessages: number;
  readonly #maxBytes: number;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.items.reduce((sum, item) => sum + item.bytes, 0);
  }

  push(item: Item): boolean {
    const fits = this.items.length < this.#maxMessages && this.bytes + item.bytes <= this.#maxBytes;
    if (this.items.length > 0 && !fits) {
      return false;
    }
    this.items.push(item);
    return true;
  }

  shift(): Item | undefined {
    const has = (priority: Priority): boolean =>
      this.items.some((one) => one.priority === priority);
    const isLowerWaiting = has("normal") || has("low");
    if (has("high") && !(isLowerWaiting && this.#highInARow >= TURNS_BEFORE_LOWER.high)) {
      this.#highInARow += 1;
      return this.#take("high");
    }
    this.#highInARow = 0;
    if (has("normal") && !(has("low") && this.#normalInARow >= TURNS_BEFORE_LOWER.normal)) {
      this.#normalInARow += 1;
      return this.#take("normal");
    }
    this.#normalInARow = 0;
    return this.#take("low");
  }

  dropOldest(priority: Priority): Item | undefined {
    const candidates = PRIORITIES.slice(PRIORITIES.indexOf(priority)).toReversed();
    const droppable = this.items.filter((item) => !item.isKept);
    const lane = candidates.find((one) => droppable.some((item) => item.priority === one));
    const dropped = droppable.find((item) => item.priority === lane);
    this.items = this.items.filter((item) => item !== dropped);
    return dropped;
  }

  drain(): Item[] {
    const items = PRIORITIES.flatMap((lane) => this.items.filter((one) => one.priority === lane));
    this.items = [];
    return items;
  }

  #take(priority: Priority): Item | undefined {
    const item = this.items.find((one) => one.priority === priority);
    this.items = this.items.filter((one) => one !== item);
    return item;
  }
}
