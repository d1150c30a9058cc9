import { connect, createServer } from "node:net";
import { Child } from "./child.ts";
import { FIRST_SEQUENCE, LAST_SEQUENCE } from "./peers/bench-message.ts";
import type { Line } from "./peers/command-lines.ts";
import type {
  ConcurrentCallsSample,
  CpuSeconds,
  LatencySample,
  Sample,
  ThroughputSample,
} from "./results.ts";
import type { Setup } from "./setups.ts";
import { quantileOf } from "./statistics.ts";

const START_LIMIT_MS = 15_000;
/** A measurement aims at a few seconds; past this it is over. */
const MEASURE_LIMIT_MS = 20_000;
/** Nothing new for so long means that nothing more comes. */
const QUIET_MS = 1_000;
const MAX_MESSAGES = 4_000_000;
const IN_FLIGHT = 64;
/** Throughput takes the whole of `seconds`; each of the two call measurements this share of it. */
const CALLS_SHARE = 0.5;

export interface MeasureOptions {
  /** Where the programs run. */
  readonly folder: string;
  readonly seconds: number;
  readonly payloadBytes: number;
  /** Told of every program as it starts, so that an interrupted run can end it. */
  readonly onStart: (child: Child) => void;
}

/** Starts a setup's processes, measures it once, and ends them. @throws Error when one of them fails. */
export async function measure(setup: Setup, options: MeasureOptions): Promise<Sample> {
  const throughput = await withProcesses(setup, options, "throughput", measureThroughput);
  const calls = await withProcesses(setup, options, "calls", measureCalls);
  return { throughput, ...calls };
}

interface Processes {
  readonly host: Child;
  readonly sender: Child;
  readonly receiver: Child;
}

type Measurement<T> = (processes: Processes, setup: Setup, options: MeasureOptions) => Promise<T>;

async function withProcesses<T>(
  setup: Setup,
  options: MeasureOptions,
  kind: "throughput" | "calls",
  body: Measurement<T>,
): Promise<T> {
  const port = await freePort();
  const children: Child[] = [];
  const start = (role: string, command: readonly string[], hasJsonLines: boolean): Child => {
    const child = new Child(`${setup.name}: ${role}`, command, options.folder, hasJsonLines);
    children.push(child);
    options.onStart(child);
    return child;
  };
  try {
    const host = start("host", setup.hostCommand(port), false);
    await untilListening(host, port);
    const rest = ["--address", `127.0.0.1:${port}`, "--payload-bytes", `${options.payloadBytes}`];
    const [receiverCommand, senderCommand] =
      kind === "throughput" ? [setup.subscriber, setup.publisher] : [setup.callee, setup.caller];
    const receiver = start("receiver", [...receiverCommand, ...rest], true);
    const sender = start("sender", [...senderCommand, ...rest], true);
    await receiver.next("ready", START_LIMIT_MS);
    await sender.next("ready", START_LIMIT_MS);
    return await body({ host, sender, receiver }, setup, options);
  } finally {
    await Promise.all(children.toReversed().map((child) => child.stop()));
  }
}

const measureThroughput: Measurement<ThroughputSample> = async (processes, setup, options) => {
  const { messages } = setup.warmUp;
  await publishAndCount(processes, FIRST_SEQUENCE, messages);
  // The first round is cold, so the second one says how fast it will be.
  const warm = await publishAndCount(processes, FIRST_SEQUENCE + messages, messages);
  const count = countFor(((messages - warm.lost) / warm.seconds) * options.seconds, messages);
  return publishAndCount(processes, FIRST_SEQUENCE + 2 * messages, count);
};

async function publishAndCount(
  { host, sender, receiver }: Processes,
  first: number,
  count: number,
): Promise<ThroughputSample> {
  receiver.send({ do: "expect", first, count });
  await receiver.next("armed", START_LIMIT_MS);
  const before = await cpuOf({ host, sender, receiver });
  sender.send({ do: "send", first, count });
  const sent = await sender.next("sent", MEASURE_LIMIT_MS);
  const arrived = await untilArrived(receiver);
  const cpu = difference(before, await cpuOf({ host, sender, receiver }));
  if (arrived.strangers > 0) {
    throw receiver.failure(`got ${arrived.strangers} messages that were not sent in this round`);
  }
  return {
    messages: count,
    lost: count - arrived.distinct,
    duplicates: arrived.duplicates,
    seconds: (arrived.lastAt - sent.startedAt) / 1000,
    cpu,
  };
}

/** What has arrived when everything has, or when for a while nothing new does: the rest is lost. */
async function untilArrived(receiver: Child): Promise<Extract<Line, { event: "received" }>> {
  const deadline = performance.now() + MEASURE_LIMIT_MS;
  let arrivedBefore = -1;
  for (;;) {
    const received = await receiver.nextOf(["received"], QUIET_MS);
    if (received !== undefined) {
      return received;
    }
    receiver.send({ do: "tally" });
    const tally = await receiver.nextOf(["tally", "received"], START_LIMIT_MS);
    if (tally === undefined) {
      throw receiver.failure("does not answer");
    }
    if (
      tally.event === "received" ||
      tally.distinct === arrivedBefore ||
      performance.now() > deadline
    ) {
      return { ...tally, event: "received" };
    }
    arrivedBefore = tally.distinct;
  }
}

const measureCalls: Measurement<{
  oneAtATime: LatencySample;
  concurrent: ConcurrentCallsSample;
}> = async (processes, setup, options) => {
  const alone = await warmUpAndCall(processes, setup, options, 1);
  const many = await warmUpAndCall(processes, setup, options, IN_FLIGHT);
  return {
    oneAtATime: {
      calls: alone.calls,
      p50Us: quantileOf(alone.latenciesUs, 0.5),
      p99Us: quantileOf(alone.latenciesUs, 0.99),
    },
    concurrent: {
      calls: many.calls,
      inFlight: IN_FLIGHT,
      seconds: many.seconds,
      cpu: many.cpu,
    },
  };
};

interface CallsOutcome {
  readonly calls: number;
  readonly seconds: number;
  readonly latenciesUs: readonly number[];
  readonly cpu: CpuSeconds;
}

async function warmUpAndCall(
  processes: Processes,
  { warmUp: { calls } }: Setup,
  { seconds }: MeasureOptions,
  inFlight: number,
): Promise<CallsOutcome> {
  await call(processes, calls, inFlight);
  const warm = await call(processes, calls, inFlight);
  const wanted = (calls / warm.seconds) * seconds * CALLS_SHARE;
  return call(processes, countFor(wanted, calls), inFlight);
}

async function call(processes: Processes, calls: number, inFlight: number): Promise<CallsOutcome> {
  const before = await cpuOf(processes);
  processes.sender.send({ do: "call", first: FIRST_SEQUENCE, count: calls, inFlight });
  const called = await processes.sender.next("called", MEASURE_LIMIT_MS);
  const cpu = difference(before, await cpuOf(processes));
  return { calls, seconds: called.elapsedMs / 1000, latenciesUs: called.latenciesUs, cpu };
}

function countFor(wanted: number, least: number): number {
  const most = Math.min(MAX_MESSAGES, LAST_SEQUENCE - FIRST_SEQUENCE - 2 * least);
  return Math.max(least, Math.min(most, Math.round(wanted)));
}

async function cpuOf({ host, sender, receiver }: Processes): Promise<CpuSeconds> {
  const [senderCpu, hostCpu, receiverCpu] = await Promise.all([
    sender.cpuSeconds(),
    host.cpuSeconds(),
    receiver.cpuSeconds(),
  ]);
  return { sender: senderCpu, host: hostCpu, receiver: receiverCpu };
}

function difference(before: CpuSeconds, after: CpuSeconds): CpuSeconds {
  return {
    sender: after.sender - before.sender,
    host: after.host - before.host,
    receiver: after.receiver - before.receiver,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") {
    throw new Error("the system gave no port");
  }
  return address.port;
}

async function untilListening(host: Child, port: number): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await canConnect(port))) {
    if (!host.isRunning) {
      throw host.failure("ended before it listened");
    }
    if (performance.now() > deadline) {
      throw host.failure(`did not listen within ${START_LIMIT_MS} ms`);
    }
    await Bun.sleep(20);
  }
}

function canConnect(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
