import type { AnswerRoute, CallRoute } from "../../core/call-route.ts";
import { AgentrtError } from "../../core/errors.ts";
import type { BatchRoute } from "../../core/event-batch.ts";
import { encodeAnswerRoute, encodeCallRoute } from "../../wire/link/call-route.ts";
import { encodeRoute } from "../../wire/link/frames.ts";
import { OutRoute } from "./out-route.ts";

/** Numbers are the host's own and never used twice while it runs, so that no worker mistakes one. */
export class RouteNumbers {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/** A route of one publisher, and what the host makes of it for the receivers. */
export class InboundRoute {
  readonly kind = "batch";
  readonly route: BatchRoute;
  readonly #numbers: RouteNumbers;
  readonly #outs = new Map<string, OutRoute>();
  /** For all that are subscribed. */
  readonly whole: OutRoute;

  constructor(route: BatchRoute, numbers: RouteNumbers) {
    this.route = route;
    this.#numbers = numbers;
    this.whole = outRouteOf(route, numbers);
  }

  /** The route for some agent types of the receiving worker. */
  outFor(agentTypes: readonly string[]): OutRoute {
    const key = agentTypes.join(",");
    const existing = this.#outs.get(key);
    if (existing !== undefined) {
      return existing;
    }
    const made = outRouteOf({ ...this.route, receivers: agentTypes }, this.#numbers);
    this.#outs.set(key, made);
    return made;
  }

  retire(): void {
    this.whole.retire();
    for (const out of this.#outs.values()) {
      out.retire();
    }
  }
}

function outRouteOf(route: BatchRoute, numbers: RouteNumbers): OutRoute {
  return new OutRoute(numbers.next(), (number) => encodeRoute(number, route), route.receivers);
}

/** A route of one worker's calls. */
export class InboundCallRoute {
  readonly kind = "call";
  readonly route: CallRoute;
  readonly out: OutRoute;

  constructor(route: CallRoute, numbers: RouteNumbers) {
    this.route = route;
    this.out = new OutRoute(numbers.next(), (number) => encodeCallRoute(number, route));
  }

  retire(): void {
    this.out.retire();
  }
}

/** A route of one worker's answers. */
export class InboundAnswerRoute {
  readonly kind = "answer";
  readonly route: AnswerRoute;
  readonly out: OutRoute;

  constructor(route: AnswerRoute, numbers: RouteNumbers) {
    this.route = route;
    this.out = new OutRoute(numbers.next(), (number) => encodeAnswerRoute(number, route));
  }

  retire(): void {
    this.out.retire();
  }
}

export type AgreedRoute = InboundRoute | InboundCallRoute | InboundAnswerRoute;

/** The routes that one worker has agreed on with the host, by the worker's numbers. */
export class InboundRoutes {
  readonly #max: number;
  readonly #routes = new Map<number, AgreedRoute>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#routes.size;
  }

  get(number: number): AgreedRoute | undefined {
    return this.#routes.get(number);
  }

  /** @throws AgentrtError `TOO_MANY` */
  agree(number: number, route: AgreedRoute): void {
    const before = this.#routes.get(number);
    if (before === undefined && this.#routes.size >= this.#max) {
      throw new AgentrtError(
        "TOO_MANY",
        `The worker uses ${this.#routes.size} routes at a time, which is the host's limit (max-routes). Give up old ones first.`,
        { data: { limit: this.#max } },
      );
    }
    before?.retire();
    this.#routes.set(number, route);
  }

  forget(number: number): void {
    this.#routes.get(number)?.retire();
    this.#routes.delete(number);
  }

  clear(): void {
    for (const route of this.#routes.values()) {
      route.retire();
    }
    this.#routes.clear();
  }
}
