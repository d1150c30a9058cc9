// An assistant whose model may ask other agents: its tools are calls.
import { AgentId, defineAgent, type RoutedAgent } from "agentrt";
import { FakeModel } from "./fake-model.ts";
import { GetTemperature, Question, Reply, Temperature } from "./messages.ts";
import type { ModelClient, Turn } from "./model-client.ts";

/** A model that asks for tools without end must not keep the agent busy for ever. */
const MAX_STEPS = 5;

async function useTool(agent: RoutedAgent, tool: string, argument: string): Promise<string> {
  if (tool !== "temperature") {
    return `There is no tool "${tool}".`;
  }
  const answer = await agent.sendMessage(
    GetTemperature.of({}),
    new AgentId("thermometer", argument),
  );
  return Temperature.is(answer) ? `${answer.celsius} °C` : "unknown";
}

function assistantWith(model: ModelClient) {
  return defineAgent({
    type: "assistant",
    description: "Answers questions about the house",
    setup(agent) {
      agent.runtime.addMessageType(Temperature);
      agent.handleRpc(Question, async ({ text }, { signal }) => {
        const turns: Turn[] = [
          { role: "system", text: "You answer questions about a house." },
          { role: "user", text },
        ];
        for (let step = 0; step < MAX_STEPS; step += 1) {
          const answer = await model.complete(turns, signal);
          if (answer.kind === "text") {
            return Reply.of({ text: answer.text });
          }
          const result = await useTool(agent, answer.tool, answer.argument);
          turns.push({ role: "tool", tool: answer.tool, text: result });
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
