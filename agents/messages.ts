import { defineMessage, type MessageOf } from "agentrt";
import * as v from "valibot";

/** Topic types of the smart home. The source of each topic is the room's name. */
export const TOPICS = Object.freeze({
  environmentData: "environment_data",
  deviceCommands: "device_commands",
  deviceStatus: "device_status",
  securityCommands: "security_commands",
  securityAlerts: "security_alerts",
});

/** Agent types of the smart home; an environment agent adds `.` and its name to its type. */
export const AGENT_TYPES = Object.freeze({
  environment: "environment_agent",
  device: "device_agent",
  security: "security_agent",
  ui: "ui_agent",
});

export const DEVICES = ["air_conditioner", "humidifier"] as const;
export type DeviceName = (typeof DEVICES)[number];

export const SWITCH_STATES = ["on", "off"] as const;
export type SwitchState = (typeof SWITCH_STATES)[number];

/**
 * Longest text of a peer that the home repeats in an answer or on the page.
 * Without it one message could fill a log or a page.
 */
export const MAX_TEXT_LENGTH = 200;

const device = v.picklist(DEVICES, `must be one of ${DEVICES.join(", ")}`);
const switchState = v.picklist(SWITCH_STATES, `must be ${SWITCH_STATES.join(" or ")}`);
const boundedText = v.pipe(
  v.string(),
  v.transform((text) => cut(text)),
);

/** A number of a sensor, kept to one decimal; outside of the range the sensor is broken. */
function measure(low: number, high: number, unit: string) {
  const range = `must be from ${low} to ${high} ${unit}`;
  return v.pipe(
    v.number("must be a number"),
    v.minValue(low, range),
    v.maxValue(high, range),
    v.transform((value) => Math.round(value * 10) / 10),
  );
}

/** A reading of one room: degrees Celsius and percent of relative humidity, one decimal each. */
export const EnvironmentData = defineMessage(
  "EnvironmentData",
  v.object({
    temperature: measure(-90, 150, "degrees Celsius"),
    humidity: measure(0, 100, "percent"),
  }),
);
export type EnvironmentData = MessageOf<typeof EnvironmentData>;

/**
 * Asks a device to switch: `device` is one of {@link DEVICES}, `state` one of {@link SWITCH_STATES}.
 * Any JSON decodes, because a malformed command gets a {@link DeviceError} as its answer, which
 * a message that fails to decode never would.
 */
export const DeviceCommand = defineMessage(
  "DeviceCommand",
  v.pipe(
    v.unknown(),
    v.transform((value) => ({ device: textIn(value, "device"), state: textIn(value, "state") })),
  ),
);
export type DeviceCommand = MessageOf<typeof DeviceCommand>;

/** A device's state now, and why; the reason is a text of `formatReason`. */
export const DeviceStatus = defineMessage(
  "DeviceStatus",
  v.object({ device, state: switchState, reason: boundedText }),
);
export type DeviceStatus = MessageOf<typeof DeviceStatus>;

/** Answers a malformed command, which changed nothing: what came, and what is wrong and legal. */
export const DeviceError = defineMessage(
  "DeviceError",
  v.object({ command: boundedText, message: boundedText }),
);
export type DeviceError = MessageOf<typeof DeviceError>;

/** Call of a device agent; the result is a {@link DeviceList}. */
export const GetDevices = defineMessage("GetDevices", v.object({}));

/** All devices of a room. `held_until` is ISO 8601 in UTC while a manual command holds, and null otherwise. */
export const DeviceList = defineMessage(
  "DeviceList",
  v.object({
    devices: v.pipe(
      v.array(
        v.object({
          device,
          state: switchState,
          reason: boundedText,
          held_until: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
        }),
      ),
      v.maxLength(DEVICES.length),
    ),
  }),
);
export type DeviceList = MessageOf<typeof DeviceList>;

export const ALERT_KINDS = ["temperature_high", "test"] as const;

/** Something that a person should know now. Published with the priority `high`. */
export const SecurityAlert = defineMessage(
  "SecurityAlert",
  v.object({ kind: boundedText, message: boundedText }),
);
export type SecurityAlert = MessageOf<typeof SecurityAlert>;

/** Asks the security agent of a room for an alert of the kind `test`. */
export const SecurityTest = defineMessage("SecurityTest", v.object({}));

/** Shortens a peer's text to {@link MAX_TEXT_LENGTH}, without cutting a character in half. */
export function cut(text: string, length = MAX_TEXT_LENGTH): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

function textIn(value: unknown, key: string): string {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) {
    return "";
  }
  const field = (value as Record<string, unknown>)[key];
  return cut(typeof field === "string" ? field : (JSON.stringify(field) ?? ""));
}
