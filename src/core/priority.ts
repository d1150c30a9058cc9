/** Levels of urgency, most urgent first. The header is `priority`; anything else counts as `normal`. */
export const PRIORITIES = ["high", "normal", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The header (CloudEvent attribute, RPC metadata entry) that carries the priority. */
export const PRIORITY_HEADER = "priority";

export function priorityOf(headers: Readonly<Record<string, string>>): Priority {
  const value = headers[PRIORITY_HEADER];
  return value === "high" || value === "low" ? value : "normal";
}
