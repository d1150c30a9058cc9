/** Whoever is told a route's number, and has to be told when it is over. */
export interface RouteKnower {
  routeGone(route: OutRoute): void;
}

/** A route by the number that the host uses for it towards all workers, so that a batch is the same bytes for all. */
export class OutRoute {
  readonly number: number;
  /** The agent types that a batch's records are for; empty is all that are subscribed. */
  readonly receivers: readonly string[];
  readonly #encode: (number: number) => Uint8Array;
  readonly #knowers = new Set<RouteKnower>();
  #encoded: Uint8Array | undefined;
  #isRetired = false;

  constructor(
    number: number,
    encode: (number: number) => Uint8Array,
    receivers: readonly string[] = [],
  ) {
    this.number = number;
    this.#encode = encode;
    this.receivers = receivers;
  }

  /** The frame that agrees on it. */
  get encoded(): Uint8Array {
    this.#encoded ??= this.#encode(this.number);
    return this.#encoded;
  }

  /** True once no batch comes on it any more; those that wait in an outbox still go out. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  isKnownTo(knower: RouteKnower): boolean {
    return this.#knowers.has(knower);
  }

  makeKnown(knower: RouteKnower): void {
    this.#knowers.add(knower);
  }

  forgetKnower(knower: RouteKnower): void {
    this.#knowers.delete(knower);
  }

  retire(): void {
    this.#isRetired = true;
    for (const knower of this.#knowers) {
      knower.routeGone(this);
    }
    this.#knowers.clear();
  }
}
