/** A compiled host under moderate load while workers join, leave and are killed; then the account. */
import {
  AGE_HEADER,
  defineAgent,
  GrpcWorkerAgentRuntime,
  type HostReport,
  TopicId,
  TypeSubscription,
} from "agentrt";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";
import type { MemorySample } from "./memory.ts";
import { Task } from "./task.ts";
import { killOneThatListens, VICTIM_GREETING, type VictimAccount } from "./victim.ts";

const KEYS = 50;
const PUBLISH_EVERY_MS = 10;
const PUBLISHED_AT_ONCE = 20;
const CHURN_EVERY_MS = 1_000;
const SETTLE_MS = 30_000;
const SAMPLES = 60;

export interface SoakResult {
  readonly published: number;
  readonly recorded: number;
  readonly sharedHandled: number;
  /** Kept values that a shared instance got at its beginning. */
  readonly sharedReplayed: number;
  readonly wereInOrder: boolean;
  readonly joins: number;
  readonly leaves: number;
  readonly kills: number;
  /** One for each subscriber that was killed with messages on their way to it. */
  readonly victims: readonly VictimAccount[];
  readonly memory: readonly MemorySample[];
  readonly report: HostReport;
}

/** Runs for so long, and waits until everything that was published has been handled. */
export async function soak(durationMs: number): Promise<SoakResult> {
  await using host = startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", "none"],
  ]);
  const ready = await host.waitForLog("host ready");
  const hostAddress = String(ready.properties["listen"]);
  const page = String(ready.properties["http"]);
  const reportOf = async (): Promise<HostReport> =>
    (await (await fetch(`${page}/api/status`)).json()) as HostReport;
  const counts = {
    published: 0,
    recorded: 0,
    sharedHandled: 0,
    sharedReplayed: 0,
    joins: 0,
    leaves: 0,
    kills: 0,
  };
  let wereInOrder = true;
  const last = new Map<string, number>();

  await using recorder = new GrpcWorkerAgentRuntime({ hostAddress });
  const recording = defineAgent({
    description: "records",
    setup(agent) {
      agent.handleAnything(() => {
        counts.recorded += 1;
      });
    },
  });
  await recorder.start();
  await recorder.registerFactory("recorder", recording);
  for (const topic of ["soak", "environment_data"]) {
    await recorder.addSubscription(new TypeSubscription(topic, "recorder"));
  }

  const share = async (): Promise<GrpcWorkerAgentRuntime> => {
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress });
    await runtime.start();
    const sharing = defineAgent({
      description: "shares",
      setup(agent) {
        agent.handleEvent(Task, ({ number }, { headers }) => {
          if (headers[AGE_HEADER] !== undefined) {
            counts.sharedReplayed += 1;
            return;
          }
          counts.sharedHandled += 1;
          wereInOrder &&= number > (last.get(agent.id.key) ?? 0);
          last.set(agent.id.key, number);
        });
        return { saveState: () => null, loadState: () => undefined };
      },
    });
    await runtime.registerFactory("sharing", sharing, { policy: "shared" });
    await runtime.addSubscription(new TypeSubscription("soak", "sharing"));
    return runtime;
  };
  await using _always = await share();
  await using publisher = new GrpcWorkerAgentRuntime({ hostAddress });
  await publisher.start();
  // One of its own, because the host holds back who writes to a worker that does not read.
  await using tormentor = new GrpcWorkerAgentRuntime({ hostAddress });
  await tormentor.start();
  await tormentor.publishMessage(Task.of({ number: 0 }), VICTIM_GREETING, { retain: true });

  const startedAt = Date.now();
  const deadline = startedAt + durationMs;
  const publishing = (async () => {
    while (Date.now() < deadline) {
      for (let index = 0; index < PUBLISHED_AT_ONCE; index += 1) {
        counts.published += 1;
        const topic = new TopicId("soak", String(counts.published % KEYS));
        await publisher.publishMessage(Task.of({ number: counts.published }), topic, {
          retain: counts.published % 10 === 0,
        });
      }
      await Bun.sleep(PUBLISH_EVERY_MS);
    }
  })();
  const memory: MemorySample[] = [];
  const sampling = (async () => {
    while (Date.now() < deadline) {
      await Bun.sleep(durationMs / SAMPLES);
      const residentBytes = await residentOf(page);
      memory.push({ atMs: Date.now() - startedAt, published: counts.published, residentBytes });
    }
  })();

  const startRoom = async (): Promise<AgentrtProcess> => {
    counts.joins += 1;
    const name = `room${counts.joins}`;
    const flags = ["--host-address", hostAddress, "--name", name, "--interval", "100ms"];
    const room = startAgentrt(["--role", "environment-agent", ...flags]);
    await room.waitForLog("worker connected", SETTLE_MS);
    return room;
  };
  const victims: VictimAccount[] = [];
  let extra: GrpcWorkerAgentRuntime | undefined;
  while (Date.now() < deadline) {
    await using room = await startRoom();
    extra ??= await share();
    await Bun.sleep(CHURN_EVERY_MS);
    if (counts.joins % 2 === 0) {
      await room.kill();
      counts.kills += 1;
    } else {
      await room.stop();
      counts.leaves += 1;
      await extra.stop();
      extra = undefined;
    }
    if (counts.joins % 4 === 0) {
      victims.push(await killOneThatListens(hostAddress, tormentor, reportOf));
    }
  }
  await Promise.all([publishing, sampling]);
  await extra?.stop();

  const report = await waitFor(
    async () => {
      const now = await reportOf();
      const missing = missingIn(now, { ...counts, victims });
      return missing <= 0 && -missing <= readByVictims(victims) ? now : undefined;
    },
    { what: "every delivery to be accounted for", timeoutMs: SETTLE_MS },
  );
  return { ...counts, wereInOrder, victims, memory, report };
}

/**
 * Deliveries of which nobody says what became of them. Below 0: what a worker had read just before it was
 * killed, and had not told the host that it had, counts as lost, too.
 */
export function missingIn(report: HostReport, result: Parameters<typeof handledIn>[0]): number {
  return report.totals.eventsDelivered - handledIn(result) - lostIn(report);
}

export function readByVictims(victims: readonly VictimAccount[]): number {
  return victims.reduce((sum, { read }) => sum + read, 0);
}

/** Deliveries that a worker got. */
export function handledIn({
  recorded,
  sharedHandled,
  sharedReplayed,
  victims,
}: Pick<SoakResult, "recorded" | "sharedHandled" | "sharedReplayed" | "victims">): number {
  return recorded + sharedHandled + sharedReplayed + readByVictims(victims);
}

/** Deliveries that did not reach their worker, by their counted reasons. */
export function lostIn({ deadLetters }: HostReport): number {
  const { WORKER_GONE = 0, QUEUE_FULL = 0 } = deadLetters.byReason;
  return WORKER_GONE + QUEUE_FULL;
}

async function residentOf(page: string): Promise<number> {
  const text = await (await fetch(`${page}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith("process_resident_memory_bytes "));
  return Number(line?.split(" ")[1]);
}
