import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type AutomaticRule,
  afterCommand,
  afterReading,
  type DeviceRecord,
  initialRecord,
} from "../../agents/device/automatic.ts";
import { type DeviceReason, formatReason, parseReason } from "../../agents/device-reason.ts";

const COOLING: AutomaticRule = {
  device: "air_conditioner",
  quantity: "temperature",
  onWhen: "above",
  onLimit: 28,
  offLimit: 24,
};
const HUMIDIFYING: AutomaticRule = {
  device: "humidifier",
  quantity: "humidity",
  onWhen: "below",
  onLimit: 35,
  offLimit: 55,
};

const oneDecimal = (low: number, high: number) =>
  fc.integer({ min: low * 10, max: high * 10 }).map((tenths) => tenths / 10);

type Step =
  | { kind: "reading"; value: number; laterMs: number }
  | { kind: "command"; state: "on" | "off"; laterMs: number };

const laterMs = fc.integer({ min: 0, max: 2_000 });
const steps = (low: number, high: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("reading" as const),
          value: oneDecimal(low, high),
          laterMs,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("command" as const),
          state: fc.constantFrom("on" as const, "off" as const),
          laterMs,
        }),
      },
    ),
    { maxLength: 60 },
  );

/** The plainest statement of what a device does, written apart from the code. */
class ReferenceDevice {
  isOn = false;
  holdEnd = Number.NEGATIVE_INFINITY;

  reading(
    value: number,
    now: number,
    shouldBeOn: (v: number) => boolean,
    shouldBeOff: (v: number) => boolean,
  ): void {
    if (now >= this.holdEnd) {
      this.isOn = shouldBeOn(value) || (this.isOn && !shouldBeOff(value));
    }
  }

  command(isOn: boolean, now: number, holdMs: number): void {
    this.isOn = isOn;
    this.holdEnd = now + holdMs;
  }
}

function follow(rule: AutomaticRule, list: readonly Step[], holdMs: number): void {
  const reference = new ReferenceDevice();
  const above = (limit: number) => (value: number) => value > limit;
  const below = (limit: number) => (value: number) => value < limit;
  const [on, off] =
    rule.onWhen === "above"
      ? [above(rule.onLimit), below(rule.offLimit)]
      : [below(rule.onLimit), above(rule.offLimit)];
  let record: DeviceRecord = initialRecord(rule.device);
  let now = 0;
  for (const step of list) {
    now += step.laterMs;
    if (step.kind === "reading") {
      reference.reading(step.value, now, on, off);
      record = afterReading(record, rule, step.value, now);
    } else {
      reference.command(step.state === "on", now, holdMs);
      record = afterCommand(record, step.state, now, holdMs);
    }
    expect(record.state === "on").toBe(reference.isOn);
  }
}

describe("device", () => {
  test("automatic - air conditioner and humidifier do as the reference does, holds included", () => {
    fc.assert(
      fc.property(steps(20, 32), fc.integer({ min: 0, max: 5_000 }), (list, holdMs) =>
        follow(COOLING, list, holdMs),
      ),
    );
    fc.assert(
      fc.property(steps(30, 60), fc.integer({ min: 0, max: 5_000 }), (list, holdMs) =>
        follow(HUMIDIFYING, list, holdMs),
      ),
    );
  });

  test("automatic - readings between the limits never switch", () => {
    fc.assert(
      fc.property(fc.array(oneDecimal(24, 28)), fc.constantFrom("on", "off"), (values, state) => {
        const start: DeviceRecord = { ...initialRecord("air_conditioner"), state };
        for (const value of values) {
          expect(afterReading(start, COOLING, value, 0)).toBe(start);
        }
      }),
    );
  });

  test("automatic - a reading exactly at a limit does not switch", () => {
    const off = initialRecord("air_conditioner");
    expect(afterReading(off, COOLING, 28, 0)).toBe(off);
    const on = afterReading(off, COOLING, 28.1, 0);
    expect(on).toEqual({
      device: "air_conditioner",
      state: "on",
      reason: {
        kind: "automatic",
        quantity: "temperature",
        value: 28.1,
        relation: "above",
        limit: 28,
      },
      heldUntilMs: undefined,
    });
    expect(afterReading(on, COOLING, 24, 0)).toBe(on);
    expect(afterReading(on, COOLING, 23.9, 0).state).toBe("off");
  });

  test("hold - ends at its time, with the next reading", () => {
    const held = afterCommand(initialRecord("air_conditioner"), "on", 1_000, 500);
    expect(afterReading(held, COOLING, 20, 1_499)).toBe(held);
    expect(afterReading(held, COOLING, 20, 1_500)).toMatchObject({
      state: "off",
      reason: { kind: "automatic" },
      heldUntilMs: undefined,
    });
    expect(afterReading(held, COOLING, 26, 1_500)).toMatchObject({
      state: "on",
      reason: { kind: "hold-ended" },
      heldUntilMs: undefined,
    });
  });

  test("reason - every reason survives its text, and other texts are no reason", () => {
    const reasons: fc.Arbitrary<DeviceReason> = fc.oneof(
      fc.constant<DeviceReason>({ kind: "start" }),
      fc.constant<DeviceReason>({ kind: "hold-ended" }),
      fc.record({
        kind: fc.constant("automatic" as const),
        quantity: fc.constantFrom("temperature" as const, "humidity" as const),
        value: oneDecimal(-90, 150).map((value) => value + 0),
        relation: fc.constantFrom("above" as const, "below" as const),
        limit: oneDecimal(-90, 150),
      }),
      fc
        .date({ min: new Date(0), max: new Date("2100-01-01T00:00:00Z"), noInvalidDate: true })
        .map((until) => ({ kind: "manual" as const, until: until.toISOString() })),
    );
    fc.assert(
      fc.property(reasons, (reason) => {
        expect(parseReason(formatReason(reason))).toEqual(reason);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseReason(text)).toBeUndefined();
      }),
    );
    expect(parseReason("automatic: temperature 28.4 is above 28 <b>")).toBeUndefined();
  });
});
