import type { AlertContent } from "../alert-text.ts";
import type { DeviceReason } from "../device-reason.ts";

/** The house as the page gets it: the shapes of `/api/state` and of the event stream. */
export interface Snapshot {
  readonly link: LinkState;
  /** The agent's clock, milliseconds since 1970, as every `…Ms` here. */
  readonly nowMs: number;
  /** How far back readings are kept, in milliseconds. */
  readonly historyMs: number;
  readonly rooms: readonly RoomView[];
  /** Newest first. */
  readonly alerts: readonly AlertView[];
}

/** Whether the agent reaches the host. */
export type LinkState = "connected" | "connecting";

export interface ReadingView {
  readonly atMs: number;
  readonly temperature: number;
  readonly humidity: number;
}

export interface DeviceView {
  readonly device: string;
  /** As the device agent confirmed it. */
  readonly state: "on" | "off";
  /** `other` holds the text of a device agent that is not ours. */
  readonly reason: DeviceReason | { readonly kind: "other"; readonly text: string };
  /** ISO 8601, UTC; null when the automatic decides. */
  readonly heldUntil: string | null;
}

export interface RoomView {
  readonly name: string;
  /** Oldest first. */
  readonly readings: readonly ReadingView[];
  /** False while no device agent answers; then `devices` holds what was confirmed last. */
  readonly areDevicesKnown: boolean;
  readonly devices: readonly DeviceView[];
}

export interface AlertView {
  readonly id: number;
  readonly atMs: number;
  readonly room: string;
  readonly kind: string;
  readonly message: string;
  /** What the message says, so that a page can say it in its own language; null for a text that is not ours. */
  readonly content: AlertContent | null;
}

/** What happened in the house; `kind` is the event's name in the stream. */
export type HouseChange =
  | { readonly kind: "link"; readonly link: LinkState }
  | { readonly kind: "room"; readonly room: RoomView }
  | { readonly kind: "room-gone"; readonly room: string }
  | { readonly kind: "reading"; readonly room: string; readonly reading: ReadingView }
  | { readonly kind: "device"; readonly room: string; readonly device: DeviceView }
  | {
      readonly kind: "devices";
      readonly room: string;
      readonly areDevicesKnown: boolean;
      readonly devices: readonly DeviceView[];
    }
  | {
      readonly kind: "device-error";
      readonly room: string;
      readonly command: string;
      readonly message: string;
    }
  | { readonly kind: "alert"; readonly alert: AlertView };

/** Bounds of what the page keeps; without them a peer could fill the memory. */
export interface HouseLimits {
  readonly historyMs: number;
  /** Readings of one room. */
  readonly maxReadings: number;
  readonly maxRooms: number;
  readonly maxAlerts: number;
}
