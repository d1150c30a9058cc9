import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostReport } from "../../src/core/host-report.ts";
import { freePort } from "./ports.ts";
import { type AgentrtProcess, startAgentrt } from "./process.ts";
import { waitFor } from "./wait.ts";

/** The parts of `/api/state` of the home's page that tests look at. */
export interface HomeState {
  readonly link: "connected" | "connecting";
  readonly rooms: readonly {
    readonly name: string;
    readonly readings: readonly { readonly atMs: number; readonly temperature: number }[];
    readonly areDevicesKnown: boolean;
    readonly devices: readonly { readonly device: string; readonly state: "on" | "off" }[];
  }[];
  readonly alerts: readonly { readonly kind: string; readonly message: string }[];
}

/** The processes of the smart home, by what they are. */
export const PARTS = ["host", "environment", "device", "security", "ui"] as const;
export type Part = (typeof PARTS)[number];

/** The agent type by which the host knows a part. */
const AGENT_TYPE_OF = {
  environment: "environment_agent.kitchen",
  device: "device_agent",
  security: "security_agent",
  ui: "ui_agent",
} as const satisfies Record<Exclude<Part, "host">, string>;

/**
 * The whole smart home, each role a process of its own on fixed loopback ports, so that each can
 * be killed and started again. Declare it with `await using`.
 */
export class SmartHome implements AsyncDisposable {
  readonly listen: string;
  readonly statusUrl: string;
  readonly homeUrl: string;
  readonly #data: string;
  readonly #processes = new Map<Part, AgentrtProcess>();

  private constructor(data: string, ports: readonly [number, number, number]) {
    this.#data = data;
    this.listen = `127.0.0.1:${ports[0]}`;
    this.statusUrl = `http://127.0.0.1:${ports[1]}`;
    this.homeUrl = `http://127.0.0.1:${ports[2]}`;
  }

  /** Starts all parts at once, in no order, and waits until readings flow and devices answer. */
  static async start(): Promise<SmartHome> {
    const data = await mkdtemp(join(tmpdir(), "agentrt-home-"));
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const home = new SmartHome(data, ports);
    for (const part of PARTS) {
      home.startPart(part);
    }
    await home.waitUntilAlive();
    return home;
  }

  startPart(part: Part): AgentrtProcess {
    const started = startAgentrt([...this.#argumentsOf(part), "--data", join(this.#data, part)]);
    this.#processes.set(part, started);
    return started;
  }

  process(part: Part): AgentrtProcess {
    const found = this.#processes.get(part);
    if (found === undefined) {
      throw new Error(`The ${part} was not started.`);
    }
    return found;
  }

  async state(): Promise<HomeState> {
    const answer = await fetch(`${this.homeUrl}/api/state`);
    return (await answer.json()) as HomeState;
  }

  async report(): Promise<HostReport> {
    const answer = await fetch(`${this.statusUrl}/api/status`);
    return (await answer.json()) as HostReport;
  }

  /** Waits for a fresh reading, a device agent that answers, and all five agent types at the host. */
  async waitUntilAlive(timeoutMs = 20_000): Promise<void> {
    const before = await this.#lastReadingMs();
    await waitFor(
      async () => {
        const [room] = (await this.state()).rooms;
        const types = await this.#agentTypes();
        return (
          room?.areDevicesKnown === true &&
          (await this.#lastReadingMs()) > before &&
          Object.values(AGENT_TYPE_OF).every((type) => types.includes(type))
        );
      },
      { what: "a smart home that is alive in all its parts", timeoutMs },
    );
  }

  /** Waits until the host has forgotten a killed part; of the host itself until nothing answers. */
  async waitUntilGone(part: Part): Promise<void> {
    if (part === "host") {
      await this.process("host").exited;
      return;
    }
    await waitFor(async () => !(await this.#agentTypes()).includes(AGENT_TYPE_OF[part]), {
      what: `the host to forget the ${part}`,
    });
  }

  /** Asks for a device state as the page does. */
  async command(device: string, state: "on" | "off"): Promise<number> {
    const answer = await fetch(`${this.homeUrl}/api/commands`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.homeUrl },
      body: JSON.stringify({ room: "kitchen", device, state }),
    });
    return answer.status;
  }

  async waitForDevice(device: string, state: "on" | "off"): Promise<void> {
    await waitFor(
      async () => {
        const [room] = (await this.state()).rooms;
        return room?.devices.some((known) => known.device === device && known.state === state);
      },
      { what: `${device} to be ${state}` },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#processes.values(), (one) => one[Symbol.asyncDispose]()));
    await rm(this.#data, { recursive: true, force: true });
  }

  async #agentTypes(): Promise<readonly string[]> {
    return (await this.report()).workers.flatMap((worker) => worker.agentTypes);
  }

  async #lastReadingMs(): Promise<number> {
    try {
      return (await this.state()).rooms[0]?.readings.at(-1)?.atMs ?? 0;
    } catch {
      // The page is not up yet, or just came back: no reading so far.
      return 0;
    }
  }

  #argumentsOf(part: Part): readonly string[] {
    const dial = ["--host-address", this.listen];
    switch (part) {
      case "host":
        return ["--role", "host", "--listen", this.listen, "--http", new URL(this.statusUrl).host];
      case "environment":
        return ["--role", "environment-agent", "--name", "kitchen", "--interval", "200ms", ...dial];
      case "device":
        return ["--role", "device-agent", ...dial];
      case "security":
        return ["--role", "security-agent", ...dial];
      case "ui":
        return ["--role", "ui-agent", "--ui", new URL(this.homeUrl).host, ...dial];
      default:
        throw part satisfies never;
    }
  }
}
