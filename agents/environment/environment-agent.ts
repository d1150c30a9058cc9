import { getLogger } from "@logtape/logtape";
import { AgentrtError, RoutedAgent, TopicId } from "agentrt";
import { EnvironmentData, TOPICS } from "../messages.ts";
import { SimulatedClimate } from "./climate.ts";
import type { EnvironmentOptions } from "./options.ts";
import { seedFor } from "./seeded-random.ts";

const logger = getLogger(["agentrt", "agents", "environment"]);

/**
 * Its life: `idle` until started, then it measures; `failing` from the first reading that could
 * not be published to the next that could; `closed` for good.
 */
type Phase = "idle" | "measuring" | "failing" | "closed";

/** Publishes the simulated climate of one room at a steady interval. */
export class EnvironmentAgent extends RoutedAgent {
  readonly #options: EnvironmentOptions;
  readonly #climate: SimulatedClimate;
  #phase: Phase = "idle";
  #newer = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EnvironmentOptions) {
    super(`Measures temperature and humidity of ${options.name}`);
    this.#options = options;
    this.#climate = new SimulatedClimate(seedFor(options.seed, options.name));
  }

  /** Publishes the first reading at once, and then one at each interval until closed. */
  start(): void {
    if (this.#phase !== "idle") {
      return;
    }
    this.#phase = "measuring";
    this.#timer = setInterval(() => void this.#measure(), this.#options.intervalMs);
    void this.#measure();
  }

  override close(): void {
    this.#phase = "closed";
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Never rejects: there is nobody to catch it, and the next reading may go through. */
  async #measure(): Promise<void> {
    // A reading that still waits for the host is worth nothing any more: sent late, in a heap with
    // its like, it would pass for a new one.
    this.#newer.abort();
    this.#newer = new AbortController();
    try {
      await this.publishMessage(
        EnvironmentData.of(this.#climate.next()),
        new TopicId(TOPICS.environmentData, this.#options.name),
        { signal: this.#newer.signal, retain: true },
      );
      this.#recovered();
    } catch (error) {
      this.#failed(AgentrtError.from(error));
    }
  }

  #recovered(): void {
    if (this.#phase === "failing") {
      this.#phase = "measuring";
      logger.info("readings are published again", { name: this.#options.name });
    }
  }

  #failed(error: AgentrtError): void {
    if (this.#phase === "measuring") {
      this.#phase = "failing";
      logger.warn("readings cannot be published; trying on silently", {
        name: this.#options.name,
        code: error.code,
        error: error.message,
      });
    }
  }
}
