import type { DeviceReason } from "../device-reason.ts";
import type { DeviceName, SwitchState } from "../messages.ts";

/** When a device switches by itself. The gap between the two limits keeps it from flapping. */
export interface AutomaticRule {
  readonly device: DeviceName;
  readonly quantity: "temperature" | "humidity";
  /** The side of `onLimit` on which it goes on; it goes off on the other side of `offLimit`. */
  readonly onWhen: "above" | "below";
  readonly onLimit: number;
  readonly offLimit: number;
}

/** One device: its state, why, and until when a manual command holds. Never changed, only replaced. */
export interface DeviceRecord {
  readonly device: DeviceName;
  readonly state: SwitchState;
  readonly reason: DeviceReason;
  /** Milliseconds since 1970; undefined when the automatic decides. */
  readonly heldUntilMs: number | undefined;
}

export function initialRecord(device: DeviceName): DeviceRecord {
  return { device, state: "off", reason: { kind: "start" }, heldUntilMs: undefined };
}

/** What a reading makes of a device; the very same record when nothing changes. */
export function afterReading(
  record: DeviceRecord,
  rule: AutomaticRule,
  value: number,
  nowMs: number,
): DeviceRecord {
  if (record.heldUntilMs !== undefined && nowMs < record.heldUntilMs) {
    return record;
  }
  const decision = decide(rule, value);
  if (decision !== undefined && decision.state !== record.state) {
    return { device: record.device, ...decision, heldUntilMs: undefined };
  }
  if (record.heldUntilMs !== undefined) {
    return { ...record, reason: { kind: "hold-ended" }, heldUntilMs: undefined };
  }
  return record;
}

/** What a person's command makes of a device: it holds for `holdMs`, also when the state is the same. */
export function afterCommand(
  record: DeviceRecord,
  state: SwitchState,
  nowMs: number,
  holdMs: number,
): DeviceRecord {
  const heldUntilMs = nowMs + holdMs;
  return {
    device: record.device,
    state,
    reason: { kind: "manual", until: new Date(heldUntilMs).toISOString() },
    heldUntilMs,
  };
}

/** What the automatic wants; undefined between the limits, where it leaves things as they are. */
function decide(
  rule: AutomaticRule,
  value: number,
): { state: SwitchState; reason: DeviceReason } | undefined {
  const offWhen = rule.onWhen === "above" ? "below" : "above";
  if (isBeyond(value, rule.onWhen, rule.onLimit)) {
    return { state: "on", reason: because(rule, value, rule.onWhen, rule.onLimit) };
  }
  if (isBeyond(value, offWhen, rule.offLimit)) {
    return { state: "off", reason: because(rule, value, offWhen, rule.offLimit) };
  }
  return undefined;
}

function isBeyond(value: number, side: "above" | "below", limit: number): boolean {
  return side === "above" ? value > limit : value < limit;
}

function because(
  rule: AutomaticRule,
  value: number,
  relation: "above" | "below",
  limit: number,
): DeviceReason {
  return { kind: "automatic", quantity: rule.quantity, value, relation, limit };
}
