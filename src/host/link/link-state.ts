import type { FullQueuePolicies } from "../full-queue-policies.ts";
import type { RouteNumbers } from "./inbound-routes.ts";
import type { Producers } from "./producers.ts";

/** What all links of a host share. */
export interface LinkState {
  /** New at each start of the host. */
  readonly instance: string;
  readonly producers: Producers;
  readonly numbers: RouteNumbers;
  /** What is done with the messages of a topic when a queue is full, here and at the workers. */
  readonly fullQueue: FullQueuePolicies;
}
