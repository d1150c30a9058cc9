import { defineAgent, defineMessage, type JsonValue, type StateStore, TopicId } from "agentrt";
import * as v from "valibot";

export const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
export const Answer = defineMessage("Answer", v.object({ text: v.string() }));
export const kitchen = new TopicId("readings", "kitchen");

/** An agent type that writes down what it sees. */
export function recorder(seen: string[]) {
  return defineAgent({
    description: "records",
    setup(agent) {
      agent.handleEvent(Reading, (data, context) => {
        seen.push(`${agent.id} ${data.celsius} ${context.topicId}`);
      });
    },
  });
}

export function memoryStateStore(): StateStore & { readonly states: Map<string, string> } {
  const states = new Map<string, string>();
  return {
    states,
    loadState: (id) => states.get(id.toString()),
    saveState: (id, json) => {
      states.set(id.toString(), json);
    },
  };
}

export const counter = defineAgent({
  description: "counts",
  setup(agent) {
    let count = 0;
    agent.handle(Reading, () => {
      count += 1;
      return Answer.of({ text: String(count) });
    });
    return {
      saveState: () => count,
      loadState: (state: JsonValue) => {
        if (typeof state !== "number") {
          throw new Error("the count is not a number");
        }
        count = state;
      },
    };
  },
});
