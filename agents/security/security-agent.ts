import { AgentrtError, type JsonValue, RoutedAgent, TopicId } from "agentrt";
import * as v from "valibot";
import { type AlertContent, formatAlert } from "../alert-text.ts";
import { EnvironmentData, SecurityAlert, SecurityTest, TOPICS } from "../messages.ts";
import type { SecurityOptions } from "./options.ts";
import { afterTemperature, type TemperatureRuleState } from "./temperature-rule.ts";

const SavedState = v.object({ isAlerted: v.boolean() });

/** Watches over one room, which is its key: raises an alert when it gets too hot, or when asked to. */
export class SecurityAgent extends RoutedAgent {
  readonly #options: SecurityOptions;
  #rule: TemperatureRuleState = { isAlerted: false };

  constructor(options: SecurityOptions) {
    super("Raises an alert when a room gets too hot");
    this.#options = options;
    this.handleEvent(EnvironmentData, (reading) => this.#check(reading.temperature));
    this.handleEvent(SecurityTest, () => this.#alert({ kind: "test", room: this.id.key }));
  }

  override saveState(): JsonValue {
    return { isAlerted: this.#rule.isAlerted };
  }

  override loadState(state: JsonValue): void {
    const saved = v.safeParse(SavedState, state);
    if (!saved.success) {
      throw new AgentrtError(
        "STATE_REJECTED",
        `The saved state of ${this.id} is not {"isAlerted": true or false}.`,
      );
    }
    this.#rule = saved.output;
  }

  async #check(temperature: number): Promise<void> {
    const limit = this.#options.alertTemperature;
    const { state, shouldAlert } = afterTemperature(this.#rule, temperature, limit);
    if (shouldAlert) {
      // Before the rule moves on: an alert that could not be published is tried at the next reading.
      await this.#alert({ kind: "temperature_high", room: this.id.key, temperature, limit });
    }
    this.#rule = state;
  }

  async #alert(content: AlertContent): Promise<void> {
    const alert = SecurityAlert.of({ kind: content.kind, message: formatAlert(content) });
    const topic = new TopicId(TOPICS.securityAlerts, this.id.key);
    await this.publishMessage(alert, topic, { priority: "high" });
  }
}
