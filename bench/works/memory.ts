import { readFile } from "node:fs/promises";
import { FailedRun } from "../results.ts";
import type { RunningHost, Stage } from "../stage.ts";
import type { System } from "../systems.ts";
import { type Candidate, type MakeWorks, scaled } from "./work.ts";

const CONNECTIONS = 1_000;
const SUBSCRIPTIONS = 10_000;
const HOLD_LIMIT_MS = 120_000;
const SETTLE_LIMIT_MS = 15_000;
const LOOK_EVERY_MS = 500;
/** Memory that changes by less than this share from look to look has settled. */
const SETTLED_SHARE = 0.005;
const LOOKS = 3;

/** The host at rest, with idle connections, and with subscriptions that nobody publishes to. */
const resident = (system: System): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage } = context;
    const connections = scaled(context, CONNECTIONS, 10);
    const subscriptions = scaled(context, SUBSCRIPTIONS, 10);
    const first = await stage.startHost(system);
    const idleBytes = await settledBytes(first);
    const perConnection = await bytesOfEach(stage, first, "connections", connections);
    await checkConnections(first, 2 * connections);
    const second = await stage.startHost(system);
    const perSubscription = await bytesOfEach(stage, second, "subscriptions", subscriptions);
    return { values: { idleBytes, perConnection, perSubscription }, cpu: {}, messages: 0 };
  },
});

/**
 * What each of so many takes when there are as many already: the first ones bring with them what a host
 * needs once, such as its compiled code, which is no matter of their number.
 */
async function bytesOfEach(
  stage: Stage,
  host: RunningHost,
  what: "connections" | "subscriptions",
  count: number,
): Promise<number> {
  await hold(stage, host, what, count);
  const before = await settledBytes(host);
  await hold(stage, host, what, count);
  return ((await settledBytes(host)) - before) / count;
}

/** Lets a worker of its own hold so many idle connections, or one connection with so many subscriptions. */
export async function hold(
  stage: Stage,
  host: RunningHost,
  what: "connections" | "subscriptions",
  count: number,
): Promise<void> {
  const holder = await stage.startProgram(host, { role: "idle workers", program: "holder" });
  holder.send({ do: "hold", what, count });
  await holder.next("held", HOLD_LIMIT_MS);
}

/** A client library may share one connection among several clients, and then nothing would be measured. */
async function checkConnections({ address }: RunningHost, wanted: number): Promise<void> {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const portHex = port.toString(16).toUpperCase().padStart(4, "0");
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map(async (file) => await readFile(file, "utf8")),
  );
  // proc_net_tcp: local address, remote address, state, where 01 is ESTABLISHED.
  const established = new RegExp(`^ *\\d+: [0-9A-F]+:${portHex} [0-9A-F]+:[0-9A-F]{4} 01 `);
  const count = tables
    .join("\n")
    .split("\n")
    .filter((line) => established.test(line)).length;
  if (count < wanted) {
    throw new FailedRun(`the host had ${count} connections instead of ${wanted}`);
  }
}

/** Resident memory when it has stopped changing, or at last after a while. */
async function settledBytes({ child }: RunningHost): Promise<number> {
  const deadline = performance.now() + SETTLE_LIMIT_MS;
  const looks: number[] = [];
  for (;;) {
    await Bun.sleep(LOOK_EVERY_MS);
    const now = await child.residentBytes();
    looks.push(now);
    const recent = looks.slice(-LOOKS);
    const hasSettled =
      recent.length === LOOKS && Math.max(...recent) - Math.min(...recent) <= now * SETTLED_SHARE;
    if (hasSettled || performance.now() > deadline) {
      return now;
    }
  }
}

export const memoryWorks: MakeWorks = ({ agentrt, nats, mosquitto }) => [
  {
    id: "memory",
    group: "memory",
    title: `Resident memory of the host: idle, for each of ${CONNECTIONS.toLocaleString("en-US")} more idle connections, for each of ${SUBSCRIPTIONS.toLocaleString("en-US")} more subscriptions`,
    metrics: [
      { id: "idleBytes", title: "idle, MiB", format: "MiB" },
      { id: "perConnection", title: "each connection, KiB", format: "KiB" },
      { id: "perSubscription", title: "each subscription, KiB", format: "KiB" },
    ],
    candidates: [agentrt, nats, mosquitto].map(resident),
  },
];
