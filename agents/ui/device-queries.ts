import { getLogger } from "@logtape/logtape";
import { AgentId, type AgentRuntime, AgentrtError } from "agentrt";
import { AGENT_TYPES, DeviceList, GetDevices } from "../messages.ts";
import type { House } from "./house.ts";

const logger = getLogger(["agentrt", "agents", "ui"]);

/** How long a device agent may take to say what its devices do. */
const ANSWER_TIMEOUT_MS = 5_000;
/** How soon a room is asked again whose device agent did not answer, for instance after a host's restart. */
const RETRY_MS = 500;

/**
 * Asks the device agents for the confirmed states: of a room when it is new, and of all rooms
 * at an interval and on demand. So a page that comes late is right at once, and an agent that
 * went away is noticed.
 */
export class DeviceQueries {
  readonly #runtime: AgentRuntime;
  readonly #house: House;
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  /** For each question on its way, the devices whose status arrived since it was asked. */
  readonly #asking = new Map<string, Set<string>>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  readonly #closing = new AbortController();

  constructor(runtime: AgentRuntime, house: House, intervalMs: number) {
    this.#runtime = runtime;
    this.#house = house;
    this.#stopListening = house.onChange((change) => {
      if (change.kind === "room") {
        void this.#ask(change.room.name);
      } else if (change.kind === "device") {
        this.#asking.get(change.room)?.add(change.device.device);
      }
    });
    this.#timer = setInterval(() => this.askAll(), intervalMs);
  }

  askAll(): void {
    for (const room of this.#house.roomNames) {
      void this.#ask(room);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stopListening();
    this.#closing.abort();
    for (const retry of this.#retries.values()) {
      clearTimeout(retry);
    }
    this.#retries.clear();
  }

  #askAgainSoon(room: string): void {
    clearTimeout(this.#retries.get(room));
    const retry = setTimeout(() => {
      this.#retries.delete(room);
      if (this.#house.hasRoom(room)) {
        void this.#ask(room);
      }
    }, RETRY_MS);
    this.#retries.set(room, retry);
  }

  /** Never rejects: no answer is an answer here. */
  async #ask(room: string): Promise<void> {
    if (this.#asking.has(room) || this.#closing.signal.aborted) {
      return;
    }
    const newer = new Set<string>();
    this.#asking.set(room, newer);
    try {
      const recipient = new AgentId(AGENT_TYPES.device, room);
      const answer = await this.#runtime.sendMessage(GetDevices.of({}), recipient, {
        timeoutMs: ANSWER_TIMEOUT_MS,
        signal: this.#closing.signal,
      });
      if (DeviceList.is(answer)) {
        this.#house.setDevices(room, answer, newer);
      } else {
        this.#house.loseDevices(room);
        logger.warn("a device agent answered GetDevices with something else", { room });
      }
    } catch (error) {
      const { code, message } = AgentrtError.from(error);
      logger.debug("no device agent answers", { room, code, error: message });
      if (!this.#closing.signal.aborted) {
        this.#house.loseDevices(room);
        this.#askAgainSoon(room);
      }
    } finally {
      this.#asking.delete(room);
    }
  }
}
