import type { BatchRoute } from "../../core/event-batch.ts";
import { encodeRoute } from "../../wire/link/frames.ts";

/** Whoever is told a route's number, and has to be told when it is over. */
export interface RouteKnower {
  routeGone(route: OutRoute): void;
}

/** A route by the number that the host uses for it towards all workers, so that a batch is the same bytes for all. */
export class OutRoute {
  readonly number: number;
  readonly route: BatchRoute;
  readonly #knowers = new Set<RouteKnower>();
  #encoded: Uint8Array | undefined;
  #isRetired = false;

  constructor(number: number, route: BatchRoute) {
    this.number = number;
    this.route = route;
  }

  /** The frame that agrees on it. */
  get encoded(): Uint8Array {
    this.#encoded ??= encodeRoute(this.number, this.route);
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
