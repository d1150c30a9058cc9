/** A worker that publishes and calls, and notes how each ended. See ProgramArguments. */
import { AgentId, AgentrtError, GrpcWorkerAgentRuntime, type Priority, TopicId } from "agentrt";
import { oneOf, randomOf, wholeFrom } from "../kit/random.ts";
import { within } from "../kit/within.ts";
import { HistoryFile } from "./history-file.ts";
import { Ask, DURABLE_TOPICS, Item, KEYS, PLAIN_TOPICS, Told } from "./messages.ts";
import { programArguments } from "./program-arguments.ts";
import { ANSWERER } from "./subscribers.ts";

const { name, process: life, hostAddress, history, seed } = programArguments();
const random = randomOf(seed);
const file = new HistoryFile(history, life);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress, clientId: name, backoffMaxMs: 200 });
runtime.addMessageType(Told);

/** Publications that are not accepted yet, beyond which it waits. */
const MAX_OPEN = 64;
const MAX_BURST = 16;
const MAX_PAUSE_MS = 100;
const HIGH_OF_100 = 10;
const MAX_PADDING = 1_500;
const CALL_TIMEOUTS_MS = [500, 1_000, 3_000] as const;
/** How long what is open may take at the end, when all faults are over. */
const END_MS = 60_000;
const UNENDED_EXIT_CODE = 9;

let isStopped = false;
const numbers = new Map<string, number>();
const open = new Set<Promise<void>>();

function track(work: Promise<void>): void {
  open.add(work);
  void work.finally(() => open.delete(work));
}

function codeOf(error: unknown): string {
  return error instanceof AgentrtError ? error.code : String(error);
}

async function publish(topicType: string, isDurable: boolean): Promise<void> {
  const key = oneOf(random, KEYS);
  const priority: Priority = random() * 100 < HIGH_OF_100 ? "high" : "normal";
  const stream = `${life} ${topicType}/${key} ${priority}`;
  const n = (numbers.get(stream) ?? 0) + 1;
  numbers.set(stream, n);
  const padding = "x".repeat(random() < 0.5 ? 0 : wholeFrom(random, 1, MAX_PADDING));
  file.note({ kind: "publish", stream, n, isDurable });
  let outcome = "ok";
  try {
    const topic = new TopicId(topicType, key);
    await runtime.publishMessage(Item.of({ stream, n, padding }), topic, { priority });
  } catch (error) {
    outcome = codeOf(error);
  }
  file.note({ kind: "published", stream, n, outcome });
}

async function publishAll(topicTypes: readonly [string, ...string[]], isDurable: boolean) {
  const mine = new Set<Promise<void>>();
  while (!isStopped) {
    for (let left = wholeFrom(random, 1, MAX_BURST); left > 0; left -= 1) {
      const work = publish(oneOf(random, topicTypes), isDurable);
      mine.add(work);
      void work.finally(() => mine.delete(work));
      track(work);
    }
    while (mine.size >= MAX_OPEN && !isStopped) {
      await Promise.race(mine);
    }
    await Bun.sleep(random() * MAX_PAUSE_MS);
  }
}

let calls = 0;

async function call(): Promise<void> {
  calls += 1;
  const id = `${life} ${calls}`;
  const timeoutMs = oneOf(random, CALL_TIMEOUTS_MS);
  const wish = oneOf(random, ["answer", "answer", "answer", "answer", "fail", "dawdle"] as const);
  const isGivenUp = random() < 0.1;
  const abort = new AbortController();
  const timer = isGivenUp ? setTimeout(() => abort.abort(), random() * timeoutMs) : undefined;
  file.note({ kind: "call", call: id, timeoutMs });
  let outcome = "ok";
  let answers: string | undefined;
  try {
    const recipient = new AgentId(ANSWERER.agentType, oneOf(random, KEYS));
    const options = { timeoutMs, signal: abort.signal };
    const answer = await runtime.sendMessage<Told>(Ask.of({ call: id, wish }), recipient, options);
    answers = answer?.call;
  } catch (error) {
    outcome = codeOf(error);
  } finally {
    clearTimeout(timer);
  }
  file.note({ kind: "called", call: id, outcome, answers });
}

async function callAll(): Promise<void> {
  while (!isStopped) {
    for (let left = wholeFrom(random, 1, 4); left > 0; left -= 1) {
      track(call());
    }
    await Bun.sleep(random() * 2 * MAX_PAUSE_MS);
  }
}

process.once("SIGTERM", () => {
  isStopped = true;
});
await runtime.start();
process.stdout.write("ready\n");
await Promise.all([publishAll(DURABLE_TOPICS, true), publishAll(PLAIN_TOPICS, false), callAll()]);
const ended = await within(
  Promise.allSettled(open).then(() => true),
  END_MS,
);
if (ended !== true) {
  process.stderr.write(`${open.size} publications and calls have not ended\n`);
  process.exit(UNENDED_EXIT_CODE);
}
await runtime.stop();
process.exit(0);
