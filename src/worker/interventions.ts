import {
  DROP_MESSAGE,
  type Intervention,
  type InterventionHandler,
  type PublishIntervention,
  type ResponseIntervention,
  type SendIntervention,
} from "../core/intervention.ts";

/** The intervention handlers of a runtime as one. Each method gives undefined for a dropped message. */
export class Interventions {
  readonly #handlers: readonly InterventionHandler[];

  constructor(handlers: readonly InterventionHandler[]) {
    this.#handlers = handlers;
  }

  /** True when messages go through untouched, so that nothing need be waited for. */
  get isEmpty(): boolean {
    return this.#handlers.length === 0;
  }

  async onPublish(message: object, context: PublishIntervention): Promise<object | undefined> {
    return await this.#run(
      message,
      async (handler, now) => await handler.onPublish?.(now, context),
    );
  }

  async onSend(message: object, context: SendIntervention): Promise<object | undefined> {
    return await this.#run(message, async (handler, now) => await handler.onSend?.(now, context));
  }

  async onResponse(message: object, context: ResponseIntervention): Promise<object | undefined> {
    return await this.#run(
      message,
      async (handler, now) => await handler.onResponse?.(now, context),
    );
  }

  async #run(
    message: object,
    step: (handler: InterventionHandler, message: object) => Promise<Intervention>,
  ): Promise<object | undefined> {
    let now = message;
    for (const handler of this.#handlers) {
      const next = await step(handler, now);
      if (next === DROP_MESSAGE) {
        return undefined;
      }
      now = next ?? now;
    }
    return now;
  }
}
