import { RoutedAgent } from "agentrt";
import { DeviceError, DeviceStatus, EnvironmentData, SecurityAlert } from "../messages.ts";
import type { House } from "./house.ts";

/** Listens to one room, which is its key, and tells the house what it hears. */
export class UiAgent extends RoutedAgent {
  constructor(house: House) {
    super("Shows the rooms on a web page");
    this.handleEvent(EnvironmentData, (data) => house.addReading(this.id.key, data));
    this.handleEvent(DeviceStatus, (status) => house.setDevice(this.id.key, status));
    this.handleEvent(DeviceError, (error) => house.addDeviceError(this.id.key, error));
    this.handleEvent(SecurityAlert, (alert) => house.addAlert(this.id.key, alert));
  }
}
