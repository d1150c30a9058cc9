/** A worker with some of the agents of a run; it notes what they handle. See ProgramArguments. */
import {
  type AgentFactory,
  type DefinedAgent,
  defineAgent,
  GrpcWorkerAgentRuntime,
  openSqliteStore,
  TypeSubscription,
} from "agentrt";
import { randomOf } from "../kit/random.ts";
import type { MessageName } from "./history.ts";
import { HistoryFile } from "./history-file.ts";
import { Ask, Count, Item, Tally, Told } from "./messages.ts";
import { programArguments } from "./program-arguments.ts";
import { ANSWERER, SUBSCRIBERS } from "./subscribers.ts";
import { TallyBook } from "./tally-book.ts";

const { name, process: life, hostAddress, history, data, seed } = programArguments();
const random = randomOf(seed);
const file = new HistoryFile(history, life);

/** Of these, so many of a hundred take a moment. */
const SLOW_OF_100 = 3;
const SLOW_MS = 20;
const DAWDLE_MS = 1_500;
/** Fails each of so many once in each life, and each of so many always. */
const FAILS_ONCE_OF = 7;
const FAILS_ALWAYS_OF = 61;

function noting(agentType: string): (key: string, one: MessageName) => void {
  return (key, { stream, n }) =>
    file.note({ kind: "handled", agentType, key, process: life, stream, n });
}

/** Notes what it handles, and takes a moment for some. */
function recording(agentType: string, hooks: { readonly isShared: boolean }): DefinedAgent {
  const note = noting(agentType);
  return defineAgent({
    description: "Notes what it gets",
    setup(agent) {
      agent.handleEvent(Item, async (item) => {
        if (random() * 100 < SLOW_OF_100) {
          await Bun.sleep(random() * SLOW_MS);
        }
        note(agent.id.key, item);
      });
      return hooks.isShared ? { saveState: () => null, loadState: () => undefined } : undefined;
    },
  });
}

const counting = defineAgent({
  description: "Counts what it gets, and keeps the count",
  setup(agent) {
    const note = noting("counter");
    const book = new TallyBook();
    agent.handleEvent(Item, (item) => {
      book.count(item);
      note(agent.id.key, item);
    });
    agent.handleRpc(Count, () => Tally.of(structuredClone(book.tally)));
    return { saveState: () => book.state, loadState: (state) => book.load(state) };
  },
});

const failing = defineAgent({
  description: "Fails some once, and some always",
  setup(agent) {
    const agentType = "flaky";
    const note = noting(agentType);
    const failed = new Set<string>();
    agent.handleEvent(Item, (item) => {
      const { stream, n } = item;
      const isFirst = !failed.has(`${stream} ${n}`);
      if (n % FAILS_ALWAYS_OF === 0 || (n % FAILS_ONCE_OF === 0 && isFirst)) {
        failed.add(`${stream} ${n}`);
        file.note({ kind: "failed", agentType, key: agent.id.key, process: life, stream, n });
        throw new Error("on purpose");
      }
      note(agent.id.key, item);
    });
  },
});

const answering = defineAgent({
  description: "Answers calls",
  options: { concurrent: true },
  setup(agent) {
    agent.handleRpc(Ask, async ({ call, wish }) => {
      file.note({ kind: "call handled", call, process: life });
      if (wish === "fail") {
        throw new Error("on purpose");
      }
      if (wish === "dawdle") {
        await Bun.sleep(DAWDLE_MS);
      }
      return Told.of({ call });
    });
  },
});

const FACTORIES: Record<keyof typeof SUBSCRIBERS, AgentFactory> = {
  counter: counting,
  flaky: failing,
  recorder: recording("recorder", { isShared: false }),
  sharer: recording("sharer", { isShared: true }),
  listener: recording("listener", { isShared: false }),
};

const mine = Object.values(SUBSCRIBERS).filter(({ processes }) =>
  (processes as readonly string[]).includes(name),
);
using store = mine.some(({ isCounting }) => isCounting) ? openSqliteStore(data) : undefined;
const runtime = new GrpcWorkerAgentRuntime({
  hostAddress,
  clientId: name,
  backoffMaxMs: 200,
  ...(store === undefined ? {} : { stateStore: store }),
});
await runtime.start();
for (const { agentType, topicTypes, isShared } of mine) {
  const policy = isShared ? ({ policy: "shared" } as const) : {};
  await runtime.registerFactory(agentType, FACTORIES[agentType], policy);
  for (const topicType of topicTypes) {
    await runtime.addSubscription(new TypeSubscription(topicType, agentType));
  }
}
if (name === ANSWERER.process) {
  await runtime.registerFactory(ANSWERER.agentType, answering, { concurrent: true });
}
process.stdout.write("ready\n");
await runtime.stopWhenSignal();
