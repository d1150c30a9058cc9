// A sensor with a loose contact: of each ten readings, three in a row fail and one hangs.
import { defineAgent } from "agentrt";
import { Read, Reading } from "./messages.ts";

export const sensor = defineAgent({
  type: "sensor",
  description: "Measures, when it feels like it",
  setup(agent) {
    let count = 0;
    agent.handleRpc(Read, async (_, { signal }) => {
      count += 1;
      const step = count % 10;
      if (step >= 3 && step <= 5) {
        throw new Error("no contact");
      }
      if (step === 8) {
        await new Promise((_resolve, reject) => {
          const timer = setTimeout(() => reject(new Error("woke up too late")), 2_000);
          signal.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        });
      }
      return Reading.of({ celsius: 20 + step });
    });
  },
});
