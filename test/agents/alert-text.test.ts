import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AlertContent, formatAlert, parseAlert } from "../../agents/alert-text.ts";

const tenths = fc.integer({ min: -900, max: 1_500 }).map((value) => value / 10);
const room = fc.string({ unit: "binary", minLength: 1 });
const content: fc.Arbitrary<AlertContent> = fc.oneof(
  fc.record({ kind: fc.constant("test" as const), room }),
  fc.record({
    kind: fc.constant("temperature_high" as const),
    room,
    temperature: tenths,
    limit: tenths,
  }),
);

test("alert text - what is formatted can be taken apart", () => {
  fc.assert(
    fc.property(content, (alert) => {
      // Minus zero is written as zero.
      expect(formatAlert(parseAlert(formatAlert(alert)) ?? { kind: "test", room: "?" })).toBe(
        formatAlert(alert),
      );
      expect(parseAlert(formatAlert(alert))?.kind).toBe(alert.kind);
      expect(parseAlert(formatAlert(alert))?.room).toBe(alert.room);
    }),
  );
});

test("alert text - a text of another program is not ours", () => {
  for (const text of [
    "",
    "Test alert",
    "Fire in the kitchen!",
    "hot °C in x is above the limit of 4 °C.",
  ]) {
    expect(parseAlert(text)).toBeUndefined();
  }
});
