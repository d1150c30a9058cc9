import type { AgentId } from "./agent-id.ts";
import type { Headers } from "./envelope.ts";
import type { TopicId } from "./topic-id.ts";

/** What an intervention handler returns to let a message go no further. */
export const DROP_MESSAGE: unique symbol = Symbol("agentrt.drop-message");

/**
 * The message to pass on, which may be another one; undefined passes it on as it is;
 * {@link DROP_MESSAGE} ends it here.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that only looks on returns nothing.
export type Intervention = object | undefined | void | typeof DROP_MESSAGE;

export interface PublishIntervention {
  readonly topic: TopicId;
  /** The publishing agent; undefined when the publisher is not one. */
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
}

export interface SendIntervention {
  readonly recipient: AgentId;
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
}

export interface ResponseIntervention {
  /** The agent that answered. */
  readonly sender: AgentId;
  /** The agent that asked; undefined when the caller is not one. */
  readonly recipient: AgentId | undefined;
}

/**
 * Sees what this runtime's programs and agents publish and send, before it is encoded, and the
 * answers that come back to them. Several handlers run in their order, each with what the one before
 * passed on. What one throws ends the publish or call with that error.
 */
export interface InterventionHandler {
  /** A dropped event is published to nobody. */
  onPublish?(message: object, context: PublishIntervention): Intervention | Promise<Intervention>;
  /** A dropped call ends with `MESSAGE_DROPPED`. */
  onSend?(message: object, context: SendIntervention): Intervention | Promise<Intervention>;
  /** Of answers that carry a result. A dropped one ends the call with `MESSAGE_DROPPED`. */
  onResponse?(message: object, context: ResponseIntervention): Intervention | Promise<Intervention>;
}
