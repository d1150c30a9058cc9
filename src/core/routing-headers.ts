/** On a published event: the host keeps it as the last value of its topic. See {@link RetainMode}. */
export const RETAIN_HEADER = "retain";

/** On a retained event: tells several last values of one topic apart, as of several devices of a room. */
export const RETAIN_KEY_HEADER = "retainkey";

/**
 * How long ago an event was published, in milliseconds: on one that the host kept and gives to a new
 * subscriber, and on one that its publisher's worker hands in again to a host that may have lost it.
 * Its presence tells a kept value from a fresh one.
 */
export const AGE_HEADER = "agentrtage";

/**
 * On an event that is for some of the receiving worker's subscribed agent types only: their names,
 * divided by commas. Another instance of the others lives elsewhere, or has had the event before.
 */
export const RECEIVERS_HEADER = "agentrtfor";

/** On an event of a durable topic: not delivered before this time, in milliseconds since 1970. */
export const DELIVER_AT_HEADER = "deliverat";

/** `true` keeps the event as its topic's last value; `clear` forgets the one that is kept. */
export type RetainMode = boolean | "clear";

/** The agent types that an event is for at its worker, or undefined for all that are subscribed. */
export function receiversIn(
  headers: Readonly<Record<string, string>>,
): ReadonlySet<string> | undefined {
  const names = headers[RECEIVERS_HEADER];
  return names === undefined ? undefined : new Set(names.split(","));
}

/**
 * What {@link RECEIVERS_HEADER} names when the event is for no agent: it tells the worker itself that
 * another one has published or cleared a value that this one had published last.
 */
export const NO_RECEIVERS = "";

/** True when an event is for an agent type at its worker. */
export function isFor(agentType: string, headers: Readonly<Record<string, string>>): boolean {
  return receiversIn(headers)?.has(agentType) !== false;
}
