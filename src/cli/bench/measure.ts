import { setImmediate as nextTurn } from "node:timers/promises";
import { AgentId } from "../../core/agent-id.ts";
import { AgentrtError } from "../../core/errors.ts";
import type { BytesMessage } from "../../core/message-type.ts";
import { TopicId } from "../../core/topic-id.ts";
import type { GrpcWorkerAgentRuntime } from "../../worker/grpc-worker-runtime.ts";
import {
  type Arrivals,
  Arrived,
  AskArrivals,
  epochMs,
  KEY,
  nameOfRun,
  Payload,
  payloadMaker,
  sequenceIn,
} from "./messages.ts";

/** Messages of a burst, and calls in flight, where they are small. */
const AT_ONCE = 256;
/** Large ones are fewer at once: a host refuses what would not fit into its queues. */
const AT_ONCE_BYTES = 8 * 1024 * 1024;
const LOOK_AT_CLOCK = 16;
const LOOK_EVERY_MS = 50;
/** Nothing new for so long means that nothing more comes. */
const QUIET_MS = 2_000;
/** The share of the time that each measurement is done unmeasured before. */
const WARM_UP_SHARE = 0.25;

/** One line of the table. Times in milliseconds. */
export interface BenchRow {
  readonly work: string;
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** Of messages that were published; an answer that is missing ends the benchmark. */
  readonly lost: number;
  readonly duplicates: number;
}

export interface BenchPlan {
  readonly runtime: GrpcWorkerAgentRuntime;
  readonly runId: string;
  readonly payloadBytes: number;
  readonly durationMs: number;
  readonly stop: AbortSignal;
}

/** Everything, one after the other, as each is done. @throws AgentrtError of a call; `CANCELLED` by `stop` */
export async function* measureAll(plan: BenchPlan): AsyncGenerator<BenchRow> {
  const { durationMs } = plan;
  const atOnce = Math.max(1, Math.min(AT_ONCE, Math.floor(AT_ONCE_BYTES / plan.payloadBytes)));
  for (const burst of new Set([1, atOnce])) {
    await publishAndCount(plan, burst, durationMs * WARM_UP_SHARE);
    yield await publishAndCount(plan, burst, durationMs);
  }
  for (const inFlight of new Set([1, atOnce])) {
    await call(plan, inFlight, durationMs * WARM_UP_SHARE);
    yield await call(plan, inFlight, durationMs);
  }
}

type Publish = (sequence: number) => Promise<void>;

/** Publishes until the time is over. @returns how many */
async function publishEach(publish: Publish, isOver: () => boolean): Promise<number> {
  let sequence = 0;
  do {
    await publish(sequence);
    sequence += 1;
    // The clock is asked seldom: it costs as much as a small message.
  } while (sequence % LOOK_AT_CLOCK !== 0 || !isOver());
  return sequence;
}

async function publishBursts(
  publish: Publish,
  isOver: () => boolean,
  burst: number,
): Promise<number> {
  let sequence = 0;
  do {
    const accepted: Promise<void>[] = [];
    for (let index = 0; index < burst; index += 1) {
      accepted.push(publish(sequence));
      sequence += 1;
    }
    await Promise.all(accepted);
    await nextTurn();
  } while (!isOver());
  return sequence;
}

async function publishAndCount(
  { runtime, runId, payloadBytes, stop }: BenchPlan,
  burst: number,
  durationMs: number,
): Promise<BenchRow> {
  const name = nameOfRun(runId);
  const topic = new TopicId(name, KEY);
  const receiver = new AgentId(name, KEY);
  const ask = async (isNew: boolean): Promise<Arrivals> => {
    const question = AskArrivals.of({ isNew });
    const answer = await runtime.sendMessage<Arrivals>(question, receiver, { signal: stop });
    return answer ?? Arrived.of({ received: 0, duplicates: 0, lastAt: 0 });
  };
  const makePayload = payloadMaker(payloadBytes);
  await ask(true);
  const startedAt = epochMs();
  const deadline = performance.now() + durationMs;
  const publish: Publish = async (sequence) =>
    await runtime.publishMessage(Payload.of(makePayload(sequence)), topic);
  const isOver = (): boolean => performance.now() >= deadline || stop.aborted;
  const count = await (burst === 1
    ? publishEach(publish, isOver)
    : publishBursts(publish, isOver, burst));
  const { received, duplicates, lastAt } = await untilArrived(() => ask(false), count, stop);
  return {
    work: burst === 1 ? "one way, each awaited" : `one way, ${burst} at a time`,
    count,
    perSecond: received === 0 ? 0 : received / ((lastAt - startedAt) / 1000),
    p50Ms: undefined,
    p99Ms: undefined,
    lost: count - received,
    duplicates,
  };
}

async function untilArrived(
  ask: () => Promise<Arrivals>,
  count: number,
  stop: AbortSignal,
): Promise<Arrivals> {
  let last: Arrivals = { received: 0, duplicates: 0, lastAt: 0 };
  let changedAt = performance.now();
  for (;;) {
    checkStop(stop);
    const now = await unlessCrowded(ask);
    if (now === undefined || now.received !== last.received) {
      changedAt = performance.now();
    }
    last = now ?? last;
    if (last.received >= count || performance.now() - changedAt >= QUIET_MS) {
      return last;
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/** The host refuses a question while messages before it fill the receiver's queue. */
async function unlessCrowded(ask: () => Promise<Arrivals>): Promise<Arrivals | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    if (AgentrtError.from(thrown).code === "QUEUE_FULL") {
      return undefined;
    }
    throw thrown;
  }
}

async function call(
  { runtime, runId, payloadBytes, stop }: BenchPlan,
  inFlight: number,
  durationMs: number,
): Promise<BenchRow> {
  const receiver = new AgentId(nameOfRun(runId), KEY);
  const makePayload = payloadMaker(payloadBytes);
  const timesMs: number[] = [];
  let next = 0;
  const began = performance.now();
  const callUntilOver = async (): Promise<void> => {
    do {
      const sequence = next;
      next += 1;
      const before = performance.now();
      const message = Payload.of(makePayload(sequence));
      const answer = await runtime.sendMessage<BytesMessage>(message, receiver, { signal: stop });
      timesMs.push(performance.now() - before);
      if (answer === undefined || sequenceIn(answer.bytes) !== sequence) {
        throw new AgentrtError("BAD_FRAME", `Call ${sequence} was answered with another's answer.`);
      }
    } while (performance.now() - began < durationMs);
  };
  await Promise.all(Array.from({ length: inFlight }, callUntilOver));
  const elapsedMs = performance.now() - began;
  timesMs.sort((a, b) => a - b);
  return {
    work: inFlight === 1 ? "calls, one at a time" : `calls, ${inFlight} in flight`,
    count: timesMs.length,
    perSecond: timesMs.length / (elapsedMs / 1000),
    p50Ms: quantileOf(timesMs, 0.5),
    p99Ms: quantileOf(timesMs, 0.99),
    lost: 0,
    duplicates: 0,
  };
}

/** Of sorted values, by nearest rank. */
function quantileOf(sorted: readonly number[], quantile: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)];
}

function checkStop(stop: AbortSignal): void {
  if (stop.aborted) {
    throw new AgentrtError("CANCELLED", "The benchmark was stopped.");
  }
}
