import type { JsonValue } from "agentrt";
import * as v from "valibot";
import { formatReason, parseReason } from "../device-reason.ts";
import { DEVICES, SWITCH_STATES } from "../messages.ts";
import type { DeviceRecord } from "./automatic.ts";

const SavedRecords = v.object({
  devices: v.array(
    v.object({
      device: v.picklist(DEVICES),
      state: v.picklist(SWITCH_STATES),
      reason: v.string(),
      heldUntilMs: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
    }),
  ),
});

/** The devices as the JSON that outlives a restart. */
export function savedRecords(records: Iterable<DeviceRecord>): JsonValue {
  return {
    devices: [...records].map(({ device, state, reason, heldUntilMs }) => ({
      device,
      state,
      reason: formatReason(reason),
      heldUntilMs: heldUntilMs ?? null,
    })),
  };
}

/**
 * Reads what {@link savedRecords} wrote; undefined when it is something else.
 * @param latestHoldMs no hold lasts longer than this, whatever the clock said when it was saved
 */
export function readSavedRecords(
  state: JsonValue,
  latestHoldMs: number,
): readonly DeviceRecord[] | undefined {
  const saved = v.safeParse(SavedRecords, state);
  if (!saved.success) {
    return undefined;
  }
  return saved.output.devices.map((one) => {
    const { device, state: switchState } = one;
    if (one.heldUntilMs === null) {
      const reason = parseReason(one.reason) ?? { kind: "start" };
      return { device, state: switchState, reason, heldUntilMs: undefined };
    }
    const heldUntilMs = Math.min(one.heldUntilMs, latestHoldMs);
    const reason = { kind: "manual", until: new Date(heldUntilMs).toISOString() } as const;
    return { device, state: switchState, reason, heldUntilMs };
  });
}
