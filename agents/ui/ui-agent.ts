import { AGE_HEADER, type Headers, RoutedAgent } from "agentrt";
import { DeviceError, DeviceStatus, EnvironmentData, SecurityAlert } from "../messages.ts";
import type { House } from "./house.ts";

/** Listens to one room, which is its key, and tells the house what it hears. */
export class UiAgent extends RoutedAgent {
  constructor(house: House) {
    super("Shows the rooms on a web page");
    this.handleEvent(EnvironmentData, (data, { headers }) =>
      house.addReading(this.id.key, data, ageOf(headers)),
    );
    this.handleEvent(DeviceStatus, (status) => house.setDevice(this.id.key, status));
    this.handleEvent(DeviceError, (error) => house.addDeviceError(this.id.key, error));
    this.handleEvent(SecurityAlert, (alert) => house.addAlert(this.id.key, alert));
  }
}

/** How long ago a kept reading was published, in milliseconds; undefined for a fresh one. */
function ageOf(headers: Headers): number | undefined {
  const ageMs = Number(headers[AGE_HEADER] ?? Number.NaN);
  return ageMs >= 0 ? ageMs : undefined;
}
