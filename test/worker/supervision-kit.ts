/** An agent type that does well, fails or hangs when told to. */
import {
  AgentId,
  type AgentTypeOptions,
  createMemoryStore,
  type DeadLetter,
  defineAgent,
  defineMessage,
  type JsonValue,
  SingleThreadedAgentRuntime,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";

/** `obeys` ends when its time limit tells it to, `never` does not end at all. */
export const WAYS = ["well", "badly", "obeys", "never"] as const;
export type Way = (typeof WAYS)[number];

export const Ask = defineMessage("Ask", v.object({ how: v.picklist(WAYS) }));
export const Count = defineMessage("Count", v.object({ count: v.number(), instance: v.number() }));

export const id = new AgentId("worker", "a");

/** A runtime with the agent type `worker`, which counts what it did well. */
export async function supervised(options: AgentTypeOptions, withStore = true) {
  const seen = { instances: 0, closed: 0, aborted: [] as unknown[] };
  const letters: DeadLetter[] = [];
  const stateStore = withStore ? createMemoryStore() : undefined;
  const runtime = new SingleThreadedAgentRuntime({
    stateStore,
    drainTimeoutMs: 0,
    onDeadLetter: (letter) => letters.push(letter),
  });
  const factory = defineAgent({
    description: "",
    setup(agent) {
      seen.instances += 1;
      const instance = seen.instances;
      let count = 0;
      agent.handle(Ask, async ({ how }, { signal }) => {
        if (how === "badly") {
          throw new Error("it went badly");
        }
        if (how === "obeys" || how === "never") {
          const { promise, resolve } = Promise.withResolvers<void>();
          signal.addEventListener("abort", () => {
            seen.aborted.push(signal.reason);
            if (how === "obeys") {
              resolve();
            }
          });
          await promise;
        }
        count += 1;
        return Count.of({ count, instance });
      });
      return {
        saveState: (): JsonValue => count,
        loadState: (state: JsonValue) => {
          count = Number(state);
        },
        close: () => {
          seen.closed += 1;
        },
      };
    },
  });
  runtime.addMessageType(Count);
  await runtime.registerFactory("worker", factory, options);
  await runtime.addSubscription(new TypeSubscription("work", "worker"));
  await runtime.start();
  const ask = async (how: Way) =>
    await runtime.sendMessage<{ count: number; instance: number }>(Ask.of({ how }), id, {
      timeoutMs: 1_000_000,
    });
  const report = () => {
    const found = runtime.report().agentTypes.find(({ type }) => type === "worker");
    if (found === undefined) {
      throw new Error("no report of the type");
    }
    return found;
  };
  return { runtime, seen, letters, ask, report };
}
