import { AgentrtError, type JsonValue, MESSAGE_TYPE, RoutedAgent, TopicId } from "agentrt";
import { formatReason } from "../device-reason.ts";
import {
  DEVICES,
  DeviceCommand,
  DeviceError,
  DeviceList,
  DeviceStatus,
  EnvironmentData,
  GetDevices,
  TOPICS,
} from "../messages.ts";
import {
  type AutomaticRule,
  afterCommand,
  afterReading,
  type DeviceRecord,
  initialRecord,
} from "./automatic.ts";
import { type CommandReading, readCommand, readCommandContent } from "./command.ts";
import { type DeviceOptions, rulesOf } from "./options.ts";
import { readSavedRecords, savedRecords } from "./saved-records.ts";

/** The devices of one room, which is its key: switched by readings, and by people's commands. */
export class DeviceAgent extends RoutedAgent {
  readonly #options: DeviceOptions;
  readonly #rules: readonly AutomaticRule[];
  #records: ReadonlyMap<string, DeviceRecord> = new Map(
    DEVICES.map((device) => [device, initialRecord(device)]),
  );

  constructor(options: DeviceOptions) {
    super("Switches the air conditioner and the humidifier of a room");
    this.#options = options;
    this.#rules = rulesOf(options);
    this.handleEvent(EnvironmentData, (reading) => this.#follow(reading));
    this.handle(DeviceCommand, ({ device, state }) => this.#obey(readCommand(device, state)));
    this.handle(MESSAGE_TYPE, ({ content }) => this.#obey(readCommandContent(content)));
    this.handleRpc(GetDevices, () => this.#list());
  }

  override saveState(): JsonValue {
    return savedRecords(this.#records.values());
  }

  override loadState(state: JsonValue): void {
    const latestHoldMs = this.#options.now() + this.#options.manualHoldMs;
    const records = readSavedRecords(state, latestHoldMs);
    if (records === undefined) {
      throw new AgentrtError(
        "STATE_REJECTED",
        `The saved state of ${this.id} is not a list of devices with their states.`,
      );
    }
    this.#records = new Map([
      ...this.#records,
      ...records.map((one) => [one.device, one] as const),
    ]);
  }

  /** Lets the automatic decide. */
  async #follow(reading: EnvironmentData): Promise<void> {
    const nowMs = this.#options.now();
    const changed: DeviceRecord[] = [];
    for (const rule of this.#rules) {
      const before = this.#record(rule.device);
      const after = afterReading(before, rule, reading[rule.quantity], nowMs);
      if (after !== before) {
        changed.push(after);
      }
    }
    // All of them switch before the first is reported, so that a failed report holds nothing up.
    this.#replace(changed);
    for (const record of changed) {
      await this.#report(record);
    }
  }

  /** Switches as told and confirms it, also when nothing changed; a caller gets the same answer. */
  async #obey(command: CommandReading): Promise<DeviceStatus | DeviceError> {
    if (!command.isLegal) {
      const error = DeviceError.of({ command: command.command, message: command.message });
      await this.publishMessage(error, this.#statusTopic());
      return error;
    }
    const { now, manualHoldMs } = this.#options;
    const before = this.#record(command.device);
    const after = afterCommand(before, command.state, now(), manualHoldMs);
    this.#replace([after]);
    return await this.#report(after);
  }

  async #report(record: DeviceRecord): Promise<DeviceStatus> {
    const { device, state, reason } = record;
    const status = DeviceStatus.of({ device, state, reason: formatReason(reason) });
    await this.publishMessage(status, this.#statusTopic(), {
      // The devices of a room share its topic, and each has a last state of its own.
      ...{ retain: true, retainKey: device },
    });
    return status;
  }

  #list(): DeviceList {
    const devices = [...this.#records.values()].map(({ device, state, reason, heldUntilMs }) => ({
      device,
      state,
      reason: formatReason(reason),
      held_until: heldUntilMs === undefined ? null : new Date(heldUntilMs).toISOString(),
    }));
    return DeviceList.of({ devices });
  }

  #record(device: DeviceRecord["device"]): DeviceRecord {
    return this.#records.get(device) ?? initialRecord(device);
  }

  #replace(records: readonly DeviceRecord[]): void {
    this.#records = new Map([
      ...this.#records,
      ...records.map((one) => [one.device, one] as const),
    ]);
  }

  #statusTopic(): TopicId {
    return new TopicId(TOPICS.deviceStatus, this.id.key);
  }
}
