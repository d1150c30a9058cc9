import type { Child } from "./child.ts";
import { FIRST_SEQUENCE, MESSAGES_PER_TURN } from "./peers/bench-message.ts";
import type { Line, Loop } from "./peers/command-lines.ts";
import { FailedRun, type Measurement } from "./results.ts";
import { cpuBetween, START_LIMIT_MS, type Stage } from "./stage.ts";

/** A measurement aims at a few seconds; past this it is over. */
const MEASURE_LIMIT_MS = 60_000;
/** Nothing new for so long means that nothing more comes. */
const QUIET_MS = 2_000;
const MOST_MESSAGES = 40_000_000;

/** Publishers that publish and subscribers that count, all ready. */
export interface Flow {
  readonly publishers: readonly Child[];
  readonly subscribers: readonly Child[];
  /** Subscribers in all processes that get each message of one publisher. */
  readonly fanOut: number;
  readonly loop: Loop;
  /** Messages of a burst. Default: as every program of the benchmark. */
  readonly perTurn?: number;
  /** The largest sequence number, where it is limited. */
  readonly lastSequence?: number;
}

export interface FlowPlan {
  /** Messages of each publisher before anything is measured; half of them in each of two rounds. */
  readonly warmUp: number;
  /** How long the measured stretch shall take. */
  readonly seconds: number;
}

/**
 * Warms up, then measures a stretch whose length follows from the rate of the warm-up. Values:
 * `perSecond` deliveries, `hostCpuUs` microseconds of the host for each.
 * @throws FailedRun when a message was lost or came twice
 */
export async function measureFlow(stage: Stage, flow: Flow, plan: FlowPlan): Promise<Measurement> {
  const round = Math.ceil(plan.warmUp / 2);
  await sendAndCount(stage, flow, FIRST_SEQUENCE, round);
  // The first round is cold, so the second one says how fast it will be.
  const warm = await sendAndCount(stage, flow, FIRST_SEQUENCE + round, round);
  const most = Math.min(
    MOST_MESSAGES,
    (flow.lastSequence ?? Number.POSITIVE_INFINITY) - FIRST_SEQUENCE - 2 * round,
  );
  const wanted = Math.round((round / warm.seconds) * plan.seconds);
  const count = Math.max(round, Math.min(most, wanted));
  return toMeasurement(await sendAndCount(stage, flow, FIRST_SEQUENCE + 2 * round, count));
}

export interface FlowOutcome {
  readonly deliveries: number;
  /** From before the first publish to the last arrival. */
  readonly seconds: number;
  readonly startedAt: number;
  /** When the last publisher had published everything. */
  readonly publishedAt: number;
  readonly cpu: Readonly<Record<string, number>>;
}

export function toMeasurement({ deliveries, seconds, cpu }: FlowOutcome): Measurement {
  return {
    values: {
      perSecond: deliveries / seconds,
      hostCpuUs: ((cpu["host"] ?? 0) / deliveries) * 1e6,
    },
    cpu,
    messages: deliveries,
  };
}

/** One stretch: each publisher publishes `count` messages, and all of them must arrive once. @throws FailedRun */
export async function sendAndCount(
  stage: Stage,
  { publishers, subscribers, fanOut, loop, perTurn = MESSAGES_PER_TURN }: Flow,
  first: number,
  count: number,
): Promise<FlowOutcome> {
  await Promise.all(
    subscribers.map(async (subscriber) => {
      subscriber.send({ do: "expect", first, count });
      await subscriber.next("armed", START_LIMIT_MS);
    }),
  );
  const before = await stage.cpu();
  for (const publisher of publishers) {
    publisher.send({ do: "send", first, count, loop, perTurn });
  }
  const sent = await Promise.all(
    publishers.map(async (publisher) => await publisher.next("sent", MEASURE_LIMIT_MS)),
  );
  const arrived = await Promise.all(subscribers.map(untilArrived));
  const cpu = cpuBetween(before, await stage.cpu());
  const deliveries = count * publishers.length * fanOut;
  checkArrivals(arrived, deliveries);
  const startedAt = Math.min(...sent.map((line) => line.startedAt));
  return {
    deliveries,
    seconds: (Math.max(...arrived.map(({ lastAt }) => lastAt)) - startedAt) / 1000,
    startedAt,
    publishedAt: Math.max(...sent.map(({ endedAt }) => endedAt)),
    cpu,
  };
}

type Arrivals = Omit<Extract<Line, { event: "received" }>, "event">;

function checkArrivals(arrived: readonly Arrivals[], wanted: number): void {
  const total = (pick: (one: Arrivals) => number): number =>
    arrived.reduce((sum, one) => sum + pick(one), 0);
  const lost = wanted - total(({ distinct }) => distinct);
  const duplicates = total((one) => one.duplicates);
  const strangers = total((one) => one.strangers);
  if (lost + duplicates + strangers > 0) {
    throw new FailedRun(
      `of ${wanted.toLocaleString("en-US")} deliveries ${lost.toLocaleString("en-US")} were lost, ${duplicates} came twice, ${strangers} were never sent`,
    );
  }
}

/** What has arrived when everything has, or when for a while nothing new does: the rest is lost. */
async function untilArrived(receiver: Child): Promise<Arrivals> {
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
    if (tally.event === "received") {
      // The answer to the question is on its way, and must not be taken for a later one's.
      await receiver.next("tally", START_LIMIT_MS);
      return tally;
    }
    if (tally.distinct === arrivedBefore || performance.now() > deadline) {
      return tally;
    }
    arrivedBefore = tally.distinct;
  }
}
