// An assistant whose model may ask other agents: its tools are calls.
import { AgentId, AgentrtError, defineAgent, type RoutedAgent } from "agentrt";
import { FakeModel } from "./fake-model.ts";
import { GetTemperature, Question, Reply, Temperature } from "./messages.ts";
import type { ModelAnswer, ModelClient, Tool, Turn } from "./model-client.ts";

/** A model that asks for tools without end must not keep the agent busy for ever. */
const MAX_STEPS = 5;

const TOOLS: readonly Tool[] = [
  { name: "temperature", description: "Measures a room; the argument is the room's name" },
];

type ToolUse = Extract<ModelAnswer, { readonly kind: "tool" }>;

async function useTool(
  agent: RoutedAgent,
  { tool, argument }: ToolUse,
  signal: AbortSignal,
): Promise<string> {
  if (tool !== "temperature") {
    return `There is no tool "${tool}".`;
  }
  try {
    const room = new AgentId("thermometer", argument);
    const answer = await agent.sendMessage(GetTemperature.of({}), room, { signal });
    return Temperature.is(answer) ? `${answer.celsius} °C` : "unknown";
  } catch (error) {
    // The model may make something of it; the question is not lost for it.
    return `failed: ${AgentrtError.from(error).message}`;
  }
}

function assistantWith(model: ModelClient) {
  return defineAgent({
    type: "assistant",
    // A model that does not answer keeps nobody waiting for longer than this.
    options: { handlerTimeoutMs: 60_000 },
    description: "Answers questions about the house",
    setup(agent) {
      agent.runtime.addMessageType(Temperature);
      agent.handleRpc(Question, async ({ text }, { signal }) => {
        const turns: Turn[] = [
          { role: "system", text: "You answer questions about a house." },
          { role: "user", text },
        ];
        for (let step = 0; step < MAX_STEPS; step += 1) {
          const answer = await model.complete(turns, TOOLS, signal);
          if (answer.kind === "text") {
            return Reply.of({ text: answer.text });
          }
          const { tool, argument } = answer;
          turns.push({ role: "tool", tool, argument, text: await useTool(agent, answer, signal) });
        }
        return Reply.of({ text: "I could not find that out." });
      });
    },
  });
}

export const thermometer = defineAgent({
  type: "thermometer",
  description: "Measures one room, which is its key",
  setup(agent) {
    // The longer the name, the warmer the room: enough for an example.
    agent.handleRpc(GetTemperature, () => Temperature.of({ celsius: 14 + agent.id.key.length }));
  },
});

export const assistant = assistantWith(new FakeModel());
