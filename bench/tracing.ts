// What tracing costs, off and on. Run: bun bench/tracing.ts [--baseline FOLDER]
//
// FOLDER is another checkout of this repository, such as one from before there were hooks for
// tracing (git worktree add /tmp/before COMMIT, and bun install there). All variants take turns, so that a busy machine is
// busy for all of them; the median of the rounds is shown, and its ratio to the first variant.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  type SpanExporter,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import * as v from "valibot";

const ROUNDS = 15;
const MESSAGES = 20_000;
const CALLS = 5_000;
/** Calls in flight at once. */
const WINDOW = 100;

type Api = typeof import("agentrt");

const { values } = parseArgs({ options: { baseline: { type: "string" } } });

const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => undefined,
};

function provider(isSampled: boolean): TracerProvider {
  const processor = new BatchSpanProcessor({ exporter: nowhere, maxQueueSize: 1_000_000 });
  return new TracerProvider({
    ...(isSampled ? {} : { sampler: new AlwaysOffSampler() }),
    spanProcessors: [processor],
  });
}

interface Variant {
  readonly name: string;
  readonly api: Api;
  readonly tracerProvider: TracerProvider | undefined;
  readonly publishMs: number[];
  readonly callMs: number[];
}

async function variants(): Promise<Variant[]> {
  const load = async (folder: string): Promise<Api> =>
    (await import(resolve(folder, "src/index.ts"))) as Api;
  const api = await load(resolve(import.meta.dir, ".."));
  const made: Variant[] = [];
  const add = (name: string, from: Api, tracerProvider: TracerProvider | undefined): void => {
    made.push({ name, api: from, tracerProvider, publishMs: [], callMs: [] });
  };
  if (values.baseline !== undefined) {
    add("without hooks", await load(values.baseline), undefined);
  }
  add("off", api, undefined);
  add("on, not sampled", api, provider(false));
  add("on, sampled", api, provider(true));
  return made;
}

/** Publisher, host and subscriber, over gRPC, in this process. */
async function measure(variant: Variant, isCounted: boolean): Promise<void> {
  const { api, tracerProvider } = variant;
  const Note = api.defineMessage("Note", v.object({ text: v.string() }));
  const traced = tracerProvider === undefined ? {} : { tracerProvider };
  const host = new api.GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0", ...traced });
  await host.start();
  const options = { hostAddress: host.address, bufferMaxMessages: MESSAGES * 2, ...traced };
  const receiver = new api.GrpcWorkerAgentRuntime({ ...options, mailboxMaxMessages: MESSAGES * 2 });
  const sender = new api.GrpcWorkerAgentRuntime(options);
  let left = MESSAGES;
  const all = Promise.withResolvers<void>();
  const counter = api.defineAgent({
    description: "Counts",
    setup(agent) {
      agent.handleEvent(Note, () => {
        left -= 1;
        if (left === 0) {
          all.resolve();
        }
      });
      agent.handleRpc(Note, (note) => Note.of({ text: note.text }));
    },
  });
  await receiver.registerFactory("counter", counter);
  await receiver.addSubscription(new api.TypeSubscription("notes", "counter"));
  await receiver.start();
  await sender.start();
  sender.addMessageType(Note);

  const note = Note.of({ text: "x".repeat(128) });
  const topic = new api.TopicId("notes", "one");
  const publishStart = performance.now();
  for (let sent = 0; sent < MESSAGES; sent += WINDOW) {
    await Promise.all(
      Array.from({ length: WINDOW }, async () => await sender.publishMessage(note, topic)),
    );
  }
  await all.promise;
  const publishMs = performance.now() - publishStart;

  const callee = new api.AgentId("counter", "one");
  const callStart = performance.now();
  for (let called = 0; called < CALLS; called += WINDOW) {
    await Promise.all(
      Array.from({ length: WINDOW }, async () => await sender.sendMessage(note, callee)),
    );
  }
  const callMs = performance.now() - callStart;
  await Promise.all([sender.stop(), receiver.stop()]);
  await host.stop();
  if (isCounted) {
    variant.publishMs.push(publishMs);
    variant.callMs.push(callMs);
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const all = await variants();
for (let round = 0; round <= ROUNDS; round += 1) {
  // Each begins a round in turn, and the first round only warms up.
  for (const index of all.keys()) {
    const variant = all[(index + round) % all.length];
    if (variant !== undefined) {
      await measure(variant, round > 0);
    }
  }
}
const [first] = all;
console.log("| variant | events/s | time, ratio | calls/s | time, ratio |\n|---|---|---|---|---|");
for (const { name, publishMs, callMs } of all) {
  const rate = (count: number, times: readonly number[]): string =>
    Math.round(count / (median(times) / 1_000)).toLocaleString("en");
  const ratio = (times: readonly number[], base: readonly number[] | undefined): string =>
    (median(times) / median(base ?? times)).toFixed(3);
  console.log(
    `| ${name} | ${rate(MESSAGES, publishMs)} | ${ratio(publishMs, first?.publishMs)} | ${rate(CALLS, callMs)} | ${ratio(callMs, first?.callMs)} |`,
  );
}
process.exit(0);
