import {
  cut,
  DEVICES,
  type DeviceName,
  MAX_TEXT_LENGTH,
  SWITCH_STATES,
  type SwitchState,
} from "../messages.ts";

export type CommandReading =
  | { readonly isLegal: true; readonly device: DeviceName; readonly state: SwitchState }
  | {
      readonly isLegal: false;
      /** What came, shortened. */
      readonly command: string;
      /** What is wrong with it, and what would be right. */
      readonly message: string;
    };

const EXAMPLE = `Write DEVICE:STATE, such as ${DEVICES[0]}:on.`;

/** Reads a command given as two fields. */
export function readCommand(device: string, state: string): CommandReading {
  const command = cut(`${device}:${state}`);
  const knownDevice = DEVICES.find((known) => known === device);
  if (knownDevice === undefined) {
    const legal = `The devices are ${DEVICES.join(" and ")}.`;
    return { isLegal: false, command, message: fit(`${quoteOr("no device", device)}`, legal) };
  }
  const knownState = SWITCH_STATES.find((known) => known === state);
  if (knownState === undefined) {
    const legal = `The states are ${SWITCH_STATES.join(" and ")}.`;
    return { isLegal: false, command, message: fit(`${quoteOr("no state", state)}`, legal) };
  }
  return { isLegal: true, device: knownDevice, state: knownState };
}

/** Reads the text form, `air_conditioner:on`; spaces around the two words do not matter. */
export function readCommandText(text: string): CommandReading {
  const parts = text.split(":");
  const [device, state] = parts;
  if (parts.length !== 2 || device === undefined || state === undefined) {
    return {
      isLegal: false,
      command: cut(text),
      message: fit(`"${text}" is not a command.`, EXAMPLE),
    };
  }
  return readCommand(device.trim(), state.trim());
}

/** Reads the content of a plain `Message`: the text form, or an object with the two fields. */
export function readCommandContent(content: unknown): CommandReading {
  if (typeof content === "string") {
    return readCommandText(content);
  }
  if (
    typeof content === "object" &&
    content !== null &&
    "device" in content &&
    "state" in content
  ) {
    const { device, state } = content;
    if (typeof device === "string" && typeof state === "string") {
      return readCommand(device, state);
    }
  }
  const command = cut(JSON.stringify(content) ?? "");
  return { isLegal: false, command, message: fit(`${command} is not a command.`, EXAMPLE) };
}

function quoteOr(whenEmpty: string, word: string): string {
  return word === "" ? `The command names ${whenEmpty}.` : `"${word}" is unknown.`;
}

/** Joins what is wrong and what is legal so that the second is never cut off. */
function fit(wrong: string, legal: string): string {
  return `${cut(wrong, MAX_TEXT_LENGTH - legal.length - 1)} ${legal}`;
}
