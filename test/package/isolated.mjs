// The isolated agent of suite.mjs; it hangs at what is below zero.
import { defineAgent, defineMessage } from "agentrt";

const Reading = defineMessage("Reading", (value) => value);
const Mean = defineMessage("Mean", (value) => value);

export const risky = defineAgent({
  description: "Sums, or hangs",
  setup(agent) {
    let sum = 0;
    agent.handleRpc(Reading, ({ celsius }) => {
      while (celsius < 0) {}
      sum += celsius;
      return Mean.of({ sum });
    });
    return {
      saveState: () => sum,
      loadState: (state) => {
        sum = Number(state);
      },
    };
  },
});
