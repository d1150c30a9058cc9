import { expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import { declaredAgent, registerAgent, subscriptionsOf } from "../../src/core/declared-agent.ts";
import { defineAgent, type TopicInterest } from "../../src/core/define-agent.ts";
import { JSON_CONTENT_TYPE } from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { UnknownPayload } from "../../src/core/message-type.ts";
import { RoutedAgent } from "../../src/core/routed-agent.ts";
import { patternOf } from "../../src/core/subscription.ts";
import { SingleThreadedAgentRuntime } from "../../src/worker/in-process-runtime.ts";

class Lamp extends RoutedAgent {
  static readonly agentType = "lamp";
  static readonly subscriptions: readonly TopicInterest[] = ["switches", { prefix: "scenes." }];
  constructor() {
    super("A lamp");
  }
}

class Plain extends RoutedAgent {}

const lamp = defineAgent({
  type: "lamp",
  subscriptions: ["switches", { prefix: "scenes." }],
  description: "A lamp",
  setup: () => undefined,
});

function codeOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    return AgentrtError.from(error).code;
  }
  return "none";
}

test.each([
  ["a definition", lamp],
  ["a class", Lamp],
])("declared agent - %s says its type and subscriptions", async (_what, value) => {
  const declared = declaredAgent(value);
  expect(declared?.type).toBe("lamp");
  expect(
    declared && subscriptionsOf(declared).map((one) => [one.kind, patternOf(one), one.agentType]),
  ).toEqual([
    ["type", "switches", "lamp"],
    ["prefix", "scenes.", "lamp"],
  ]);
  await using runtime = new SingleThreadedAgentRuntime();
  await registerAgent(runtime, value);
  const metadata = await runtime.agentMetadata(new AgentId("lamp", "one"));
  expect(metadata).toEqual({ type: "lamp", key: "one", description: "A lamp" });
});

test.each([
  ["a definition without a type", defineAgent({ description: "", setup: () => undefined })],
  ["a class without a type", Plain],
  ["a function", () => 1],
  ["an object with a type", { agentType: "lamp" }],
  ["nothing", undefined],
  ["null", null],
])("declared agent - %s is none", (_what, value) => {
  expect(declaredAgent(value)).toBeUndefined();
});

test("declared agent - a type that is not legal is refused where it is defined", () => {
  const bad = () => defineAgent({ type: "a b", description: "", setup: () => undefined });
  expect(codeOf(bad)).toBe("INVALID_AGENT_ID");
  expect(codeOf(() => declaredAgent(Object.assign(() => 1, { agentType: "a b" })))).toBe(
    "INVALID_AGENT_ID",
  );
});

test("declared agent - subscriptions that are none are refused by name", () => {
  const odd = Object.assign(() => 1, { agentType: "odd", subscriptions: [7] });
  expect(codeOf(() => declaredAgent(odd))).toBe("INVALID_OPTION");
});

test("declared agent - its options are the rules that it is registered under", async () => {
  const sleeper = defineAgent({
    type: "sleeper",
    options: { handlerTimeoutMs: 5, circuit: { afterFailures: 1 } },
    description: "",
    setup: (agent) => agent.handleAnything(() => new Promise(() => undefined)),
  });
  class Sleeper extends RoutedAgent {
    static readonly agentType = "sleeper";
    static readonly options = { handlerTimeoutMs: 5, circuit: { afterFailures: 1 } };
    constructor() {
      super("");
      this.handleAnything(() => new Promise(() => undefined));
    }
  }
  for (const agent of [sleeper, Sleeper]) {
    await using runtime = new SingleThreadedAgentRuntime();
    await registerAgent(runtime, agent);
    await runtime.start();
    const ask = async (): Promise<string> =>
      await runtime
        .sendMessage(
          new UnknownPayload("Ask", JSON_CONTENT_TYPE, new Uint8Array()),
          new AgentId("sleeper", "one"),
        )
        .then(
          () => "none",
          (error: unknown) => AgentrtError.from(error).code,
        );
    expect(await ask()).toBe("DEADLINE");
    expect(await ask()).toBe("CIRCUIT_OPEN");
  }
});

test.each([["text"], [7], [null]])("declared agent - options %p are refused", (options) => {
  const odd = Object.assign(() => 1, { agentType: "odd", subscriptions: [], options });
  expect(codeOf(() => declaredAgent(odd))).toBe("INVALID_OPTION");
});

test("declared agent - registering one without a type says what to add", async () => {
  await using runtime = new SingleThreadedAgentRuntime();
  const nameless = defineAgent({ description: "", setup: () => undefined });
  const failure = await registerAgent(runtime, nameless).catch((error: unknown) => error);
  expect(AgentrtError.from(failure).code).toBe("INVALID_OPTION");
});
