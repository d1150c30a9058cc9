import type { MetricFormat } from "./results.ts";

/** One number of one system in one piece of work. */
export interface Reference {
  readonly work: string;
  readonly system: string;
  readonly metric: string;
  readonly format: MetricFormat;
}

/** What agentrt wants to reach: a share of another number, or a number. */
export interface Target {
  readonly text: string;
  readonly measured: Reference;
  /** What it is divided by; undefined for a target that is a number itself. */
  readonly against: Reference | undefined;
  /** In the unit of the metric, or as a ratio. */
  readonly limit: Limit;
}

export type Limit = { readonly atLeast: number } | { readonly atMost: number };

const AWAITED = "agentrt, each awaited";
const BURSTS = "agentrt, in bursts";
const KIB = 1_024;
const MIB = 1_024 * KIB;

function count(work: string, system: string, metric = "perSecond"): Reference {
  return { work, system, metric, format: "count" };
}

function oneWay(bytes: number, atLeast: number): readonly Target[] {
  const work = `oneway-${bytes}`;
  return [AWAITED, BURSTS].map((system) => ({
    text: `one way, ${bytes} bytes, messages/s; ${system.replace("agentrt, ", "")}`,
    measured: count(work, system),
    against: count(work, "NATS"),
    limit: { atLeast },
  }));
}

function againstNats(text: string, work: string, limit: Limit, metric = "perSecond"): Target {
  return {
    text,
    limit,
    measured: count(work, "agentrt", metric),
    against: count(work, "NATS", metric),
  };
}

function durable(inFlight: number): readonly Target[] {
  const work = `durable-${inFlight}`;
  return ["NATS JetStream", "Mosquitto, written at each change"].map((peer) => ({
    text: `stored and acknowledged, ${inFlight} in flight, messages/s`,
    measured: count(work, "agentrt, durable"),
    against: count(work, peer),
    limit: { atLeast: 2 },
  }));
}

function growth(what: string, few: string, many: string): Target {
  const reference = (system: string): Reference => ({
    ...{ work: `growth-${what}`, system: `${system} ${what}`, metric: "hostCpuUs" },
    format: "decimal",
  });
  return {
    text: `host CPU of a message, from ${few} to ${many} ${what}`,
    measured: reference(many),
    against: reference(few),
    limit: { atMost: 1.3 },
  };
}

function plain(
  text: string,
  [work, metric]: readonly [string, string],
  format: MetricFormat,
  atMost: number,
): Target {
  return {
    text,
    measured: { work, system: "agentrt", metric, format },
    against: undefined,
    limit: { atMost },
  };
}

/** All of them, in the order of the report. */
export const TARGETS: readonly Target[] = [
  ...oneWay(128, 1.5),
  ...oneWay(16, 3),
  ...oneWay(4_096, 1),
  againstNats("fan-out 1 to 100, deliveries/s", "fanout", { atLeast: 1 }),
  againstNats("8 publishers to 8 subscribers, messages/s", "many", { atLeast: 1 }),
  againstNats("call, one at a time, p50 µs", "rpc-one", { atMost: 0.8 }, "p50Us"),
  againstNats("call, one at a time, p99 µs", "rpc-one", { atMost: 0.8 }, "p99Us"),
  againstNats("calls/s, 256 in flight", "rpc-many", { atLeast: 1.5 }),
  ...durable(1),
  ...durable(64),
  {
    text: "AutoGen's protocol, Python workers, host CPU s for 100,000 messages (a fifth)",
    measured: {
      ...{ work: "autogen-oneway", system: "agentrt host, Python workers" },
      ...{ metric: "hostCpuPer100k", format: "decimal" },
    },
    against: {
      ...{ work: "autogen-oneway", system: "AutoGen host, Python workers" },
      ...{ metric: "hostCpuPer100k", format: "decimal" },
    },
    limit: { atMost: 0.2 },
  },
  {
    text: "high priority in a flood of normal, p99 µs, against idle",
    measured: count("priority", "agentrt", "floodP99Us"),
    against: count("priority", "agentrt", "idleP99Us"),
    limit: { atMost: 5 },
  },
  plain("the same, p99 µs", ["priority", "floodP99Us"], "count", 10_000),
  plain("idle connection, KiB", ["memory", "perConnection"], "KiB", 30 * KIB),
  plain("subscription, KiB", ["memory", "perSubscription"], "KiB", KIB),
  plain("idle host, MiB", ["memory", "idleBytes"], "MiB", 60 * MIB),
  growth("subscriptions", "10", "10,000"),
  growth("connections", "10", "1,000"),
  growth("topics", "10", "100,000"),
  plain("start of the host to ready, ms", ["start", "readyMs"], "decimal", 150),
  plain("--version, ms", ["start", "versionMs"], "decimal", 60),
];
