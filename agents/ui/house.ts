import { parseAlert } from "../alert-text.ts";
import { parseReason } from "../device-reason.ts";
import type { DeviceList, DeviceStatus, EnvironmentData, SecurityAlert } from "../messages.ts";
import { isRoomName } from "../option-checks.ts";
import type {
  AlertView,
  DeviceView,
  HouseChange,
  HouseLimits,
  LinkState,
  ReadingView,
  RoomView,
  Snapshot,
} from "./house-view.ts";

interface Room {
  readonly name: string;
  readonly readings: ReadingView[];
  readonly devices: Map<string, DeviceView>;
  /** True while the device agent of the room answers. */
  areDevicesKnown: boolean;
  lastHeardAtMs: number;
}

type Listener = (change: HouseChange) => void;

/**
 * What the page knows of the house: rooms with their readings and devices, alerts, and the link
 * to the host. Every list is bounded, since what fills them comes from peers.
 */
export class House {
  readonly #limits: HouseLimits;
  readonly #now: () => number;
  readonly #rooms = new Map<string, Room>();
  /** Newest first. */
  readonly #alerts: AlertView[] = [];
  readonly #listeners = new Set<Listener>();
  #link: LinkState = "connected";
  #nextAlertId = 1;

  constructor(limits: HouseLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get roomNames(): readonly string[] {
    return [...this.#rooms.keys()];
  }

  hasRoom(name: string): boolean {
    return this.#rooms.has(name);
  }

  /** @returns what stops the listening */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setLink(link: LinkState): void {
    if (this.#link !== link) {
      this.#link = link;
      this.#tell({ kind: "link", link });
    }
  }

  /** @param ageMs of a reading that the host had kept; it counts only while the room has no other */
  addReading(roomName: string, data: EnvironmentData, ageMs?: number): void {
    const room = this.#room(roomName);
    const isKnown = ageMs !== undefined && (room?.readings.length ?? 0) > 0;
    if (room === undefined || isKnown) {
      return;
    }
    const { temperature, humidity } = data;
    const reading: ReadingView = { atMs: this.#now() - (ageMs ?? 0), temperature, humidity };
    room.readings.push(reading);
    this.#forgetOldReadings(room);
    this.#tell({ kind: "reading", room: roomName, reading });
  }

  setDevice(roomName: string, status: DeviceStatus): void {
    const room = this.#room(roomName);
    if (room === undefined) {
      return;
    }
    const reason = parseReason(status.reason);
    const device: DeviceView = {
      device: status.device,
      state: status.state,
      reason: reason ?? { kind: "other", text: status.reason },
      heldUntil: reason?.kind === "manual" ? reason.until : null,
    };
    room.devices.set(status.device, device);
    room.areDevicesKnown = true;
    this.#tell({ kind: "device", room: roomName, device });
  }

  /**
   * Takes a device agent's answer.
   * @param newer devices whose status arrived while the answer was on its way, and is newer
   */
  setDevices(roomName: string, list: DeviceList, newer: ReadonlySet<string>): void {
    const room = this.#rooms.get(roomName);
    if (room === undefined) {
      return;
    }
    for (const { device, state, reason, held_until } of list.devices) {
      if (!newer.has(device)) {
        room.devices.set(device, {
          device,
          state,
          reason: parseReason(reason) ?? { kind: "other", text: reason },
          heldUntil: held_until,
        });
      }
    }
    room.areDevicesKnown = true;
    this.#tellDevices(room);
  }

  /** The device agent of a room does not answer: its last known states are no longer confirmed. */
  loseDevices(roomName: string): void {
    const room = this.#rooms.get(roomName);
    if (room?.areDevicesKnown === true) {
      room.areDevicesKnown = false;
      this.#tellDevices(room);
    }
  }

  addDeviceError(roomName: string, error: { command: string; message: string }): void {
    if (this.#rooms.has(roomName)) {
      this.#tell({ kind: "device-error", room: roomName, ...error });
    }
  }

  addAlert(roomName: string, data: SecurityAlert): void {
    const room = this.#room(roomName);
    if (room === undefined) {
      return;
    }
    const { kind, message } = data;
    const alert: AlertView = {
      id: this.#nextAlertId,
      atMs: this.#now(),
      room: roomName,
      kind,
      message,
      content: parseAlert(message) ?? null,
    };
    this.#nextAlertId += 1;
    this.#alerts.unshift(alert);
    this.#alerts.length = Math.min(this.#alerts.length, this.#limits.maxAlerts);
    this.#tell({ kind: "alert", alert });
  }

  snapshot(): Snapshot {
    return {
      link: this.#link,
      nowMs: this.#now(),
      historyMs: this.#limits.historyMs,
      rooms: [...this.#rooms.values()].map(viewOf),
      alerts: [...this.#alerts],
    };
  }

  /** The room, made when it is new; undefined when its name is too long or the house is full. */
  #room(name: string): Room | undefined {
    const nowMs = this.#now();
    const known = this.#rooms.get(name);
    if (known !== undefined) {
      known.lastHeardAtMs = nowMs;
      return known;
    }
    if (!isRoomName(name) || !this.#makeSpace(nowMs)) {
      return undefined;
    }
    const room: Room = {
      name,
      readings: [],
      devices: new Map(),
      areDevicesKnown: false,
      lastHeardAtMs: nowMs,
    };
    this.#rooms.set(name, room);
    this.#tell({ kind: "room", room: viewOf(room) });
    return room;
  }

  /** Gives up the room that was silent longest, if it was silent for as long as the chart reaches. */
  #makeSpace(nowMs: number): boolean {
    if (this.#rooms.size < this.#limits.maxRooms) {
      return true;
    }
    const [quietest] = [...this.#rooms.values()].sort((a, b) => a.lastHeardAtMs - b.lastHeardAtMs);
    if (quietest === undefined || nowMs - quietest.lastHeardAtMs < this.#limits.historyMs) {
      return false;
    }
    this.#rooms.delete(quietest.name);
    this.#tell({ kind: "room-gone", room: quietest.name });
    return true;
  }

  #forgetOldReadings(room: Room): void {
    const oldestMs = this.#now() - this.#limits.historyMs;
    const firstKept = room.readings.findIndex((reading) => reading.atMs >= oldestMs);
    const tooMany = room.readings.length - this.#limits.maxReadings;
    room.readings.splice(0, Math.max(firstKept, tooMany, 0));
  }

  #tellDevices(room: Room): void {
    const { name, areDevicesKnown } = room;
    this.#tell({
      kind: "devices",
      room: name,
      areDevicesKnown,
      devices: [...room.devices.values()],
    });
  }

  #tell(change: HouseChange): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}

function viewOf(room: Room): RoomView {
  return {
    name: room.name,
    readings: [...room.readings],
    areDevicesKnown: room.areDevicesKnown,
    devices: [...room.devices.values()],
  };
}
