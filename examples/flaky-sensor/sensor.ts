// Reads a thermometer that fails now and then. The agent does not deal with that: its options do.
import { defineAgent } from "agentrt";
import { Read, Reading } from "./messages.ts";
import { measure } from "./thermometer.ts";

export const sensor = defineAgent({
  type: "sensor",
  options: {
    // A reading that hangs ends after this time.
    handlerTimeoutMs: 300,
    // After two failures in a row the agent is made anew, with its state.
    restart: { afterFailures: 2, backoffInitialMs: 100 },
    // After three it gets no messages for a while; then one is let through, to see.
    circuit: { afterFailures: 3, openForMs: 1_500 },
  },
  description: "Measures, when the cable lets it",
  setup(agent) {
    let count = 0;
    agent.handleRpc(Read, async (_, { signal }) => {
      const celsius = await measure(signal);
      count += 1;
      return Reading.of({ celsius, count });
    });
    return {
      saveState: () => count,
      loadState: (state) => {
        count = Number(state);
      },
    };
  },
});
