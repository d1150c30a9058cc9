/** What an alert of our own security agent says. */
export type AlertContent =
  | { readonly kind: "test"; readonly room: string }
  | {
      readonly kind: "temperature_high";
      readonly room: string;
      readonly temperature: number;
      readonly limit: number;
    };

const TEST = /^Test alert for (.+)\. Nothing is wrong\.$/s;
const TEMPERATURE_HIGH = /^(-?\d+\.\d) °C in (.+) is above the limit of (-?\d+(?:\.\d+)?) °C\.$/s;

/** The message of an alert on the wire, which a person can read and {@link parseAlert} takes apart. */
export function formatAlert(content: AlertContent): string {
  switch (content.kind) {
    case "test":
      return `Test alert for ${content.room}. Nothing is wrong.`;
    case "temperature_high": {
      const { room, temperature, limit } = content;
      return `${temperature.toFixed(1)} °C in ${room} is above the limit of ${limit} °C.`;
    }
    default:
      return content satisfies never;
  }
}

/** The opposite of {@link formatAlert}; undefined for a text that another program worded. */
export function parseAlert(text: string): AlertContent | undefined {
  const test = TEST.exec(text);
  if (test?.[1] !== undefined) {
    return { kind: "test", room: test[1] };
  }
  const [, temperature, room, limit] = TEMPERATURE_HIGH.exec(text) ?? [];
  return room === undefined
    ? undefined
    : { kind: "temperature_high", room, temperature: Number(temperature), limit: Number(limit) };
}
