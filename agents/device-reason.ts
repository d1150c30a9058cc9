/** Why a device is in its state. */
export type DeviceReason =
  /** Nothing has switched it since it first existed. */
  | { readonly kind: "start" }
  | {
      readonly kind: "automatic";
      readonly quantity: "temperature" | "humidity";
      readonly value: number;
      readonly relation: "above" | "below";
      readonly limit: number;
    }
  /** A person's command; `until` is ISO 8601 in UTC, the end of its hold against the automatic. */
  | { readonly kind: "manual"; readonly until: string }
  /** A manual hold ended and the automatic left the device as it was. */
  | { readonly kind: "hold-ended" };

const START = "start: not switched yet";
const HOLD_ENDED = "automatic: manual hold ended";
const AUTOMATIC =
  /^automatic: (temperature|humidity) (-?\d+\.\d) is (above|below) (-?\d+(?:\.\d+)?)$/;
const MANUAL = /^manual: held until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** The text of a reason on the wire, which a person can read and {@link parseReason} takes apart. */
export function formatReason(reason: DeviceReason): string {
  switch (reason.kind) {
    case "start":
      return START;
    case "automatic": {
      const { quantity, value, relation, limit } = reason;
      return `automatic: ${quantity} ${value.toFixed(1)} is ${relation} ${limit}`;
    }
    case "manual":
      return `manual: held until ${reason.until}`;
    case "hold-ended":
      return HOLD_ENDED;
    default:
      return reason satisfies never;
  }
}

/** The opposite of {@link formatReason}; undefined for a text that another program worded. */
export function parseReason(text: string): DeviceReason | undefined {
  if (text === START) {
    return { kind: "start" };
  }
  if (text === HOLD_ENDED) {
    return { kind: "hold-ended" };
  }
  const manual = MANUAL.exec(text);
  if (manual?.[1] !== undefined) {
    return { kind: "manual", until: manual[1] };
  }
  const [, quantity, value, relation, limit] = AUTOMATIC.exec(text) ?? [];
  if (
    (quantity === "temperature" || quantity === "humidity") &&
    (relation === "above" || relation === "below")
  ) {
    return { kind: "automatic", quantity, value: Number(value), relation, limit: Number(limit) };
  }
  return undefined;
}
