/** One run: processes, faults, and at the end what everybody has. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentId, GrpcWorkerAgentRuntime } from "agentrt";
import { randomOf } from "../kit/random.ts";
import { check } from "./checker/check.ts";
import { IndexedHistory, type Violation } from "./checker/indexed-history.ts";
import { lostIn } from "./checker/lost.ts";
import type { HistoryEvent } from "./history.ts";
import { clock, readHistory } from "./history-file.ts";
import { Count, KEYS, Tally } from "./messages.ts";
import { type FaultName, torment } from "./nemesis.ts";
import { readStore } from "./read-store.ts";
import { SUBSCRIBERS } from "./subscribers.ts";
import { PUBLISHERS, SUBSCRIBER_PROCESSES, untilReport, WORKERS, World } from "./world.ts";

/** How long everything may take to reach everybody when all faults are over. */
const SETTLE_MS = 60_000;
const LOOK_MS = 500;
const COUNT_TIMEOUT_MS = 2_000;

export interface RunOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Empty; the history stays in it. */
  readonly folder: string;
  readonly faults: readonly FaultName[];
  readonly tell: (line: string) => void;
}

export interface RunResult {
  readonly events: readonly HistoryEvent[];
  readonly violations: readonly Violation[];
}

export async function runHistory(options: RunOptions): Promise<RunResult> {
  const { seed, durationMs, folder, faults, tell } = options;
  const random = randomOf(seed);
  await using world = await World.make({ folder, random });
  await world.start("host");
  await Promise.all(SUBSCRIBER_PROCESSES.map((name) => world.start(name)));
  await untilReport(world, hasAllSubscriptions, "all subscriptions at the host");
  for (const { processes: _, ...subscriber } of Object.values(SUBSCRIBERS)) {
    world.file.note({ kind: "subscriber", ...subscriber });
  }
  await Promise.all(PUBLISHERS.map((name) => world.start(name)));
  const untilMs = clock() + durationMs;
  const startedAt = clock();
  await torment(world, random, {
    names: faults,
    untilMs,
    tell: (name) => tell(`${Math.round(clock() - startedAt)} ms: ${name}`),
  });
  tell("the faults are over");
  await settle(world);
  const events = readHistory(world.history);
  const violations = check(events);
  writeFileSync(join(folder, "violations.json"), JSON.stringify(violations, undefined, 1));
  return { events, violations };
}

function hasAllSubscriptions({ durable, subscriptions }: Awaited<ReturnType<World["report"]>>) {
  return Object.values(SUBSCRIBERS).every(({ agentType, topicTypes, isDurable }) =>
    isDurable
      ? durable?.cursors.some(
          ({ name, topics }) => name === agentType && topics.length === topicTypes.length,
        )
      : subscriptions.some((one) => one.agentType === agentType),
  );
}

/** Lets everything come to its end, and notes what is left. */
async function settle(world: World): Promise<void> {
  for (const name of WORKERS) {
    world.link(name).release();
  }
  await Promise.all(PUBLISHERS.map((name) => world.stop(name, 2 * SETTLE_MS)));
  await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: world.hostAddress });
  runtime.addMessageType(Tally);
  await runtime.start();
  const deadline = clock() + SETTLE_MS;
  do {
    await Bun.sleep(LOOK_MS);
    await noteCounts(world, runtime);
    await readStore(world);
  } while (lostIn(new IndexedHistory(readHistory(world.history))).length > 0 && clock() < deadline);
  const { totals, deadLetters } = await world.report();
  world.file.note({
    kind: "host counted",
    process: world.lifeOf("host"),
    unmatched: totals.eventsUnmatched,
    deadLetters: deadLetters.total,
  });
  await Promise.all(SUBSCRIBER_PROCESSES.map((name) => world.stop(name)));
  await world.stop("host");
}

async function noteCounts(world: World, runtime: GrpcWorkerAgentRuntime): Promise<void> {
  for (const { agentType, isCounting } of Object.values(SUBSCRIBERS)) {
    for (const key of isCounting ? KEYS : []) {
      const recipient = new AgentId(agentType, key);
      const options = { timeoutMs: COUNT_TIMEOUT_MS };
      const tally = await runtime
        .sendMessage<Tally>(Count.of({}), recipient, options)
        .catch(() => undefined);
      if (tally !== undefined) {
        const { counted, again } = tally;
        world.file.note({ kind: "counted", agentType, key, counted, again });
      }
    }
  }
}
