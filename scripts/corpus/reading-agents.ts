/** The agents whose states are in the corpus; they run in the compiled program. */
import { defineAgent, defineMessage } from "agentrt";
import * as v from "valibot";

const Order = defineMessage("Order", v.object({ n: v.number() }));

/** Keeps which orders it has handled, and fails at 13. */
function readerOf(type: string, topicType: string) {
  return defineAgent({
    type,
    subscriptions: [topicType],
    description: "Reads orders",
    setup(agent) {
      let seen: number[] = [];
      agent.handleEvent(Order, ({ n }) => {
        if (n === 13) {
          throw new Error("There is no thirteen.");
        }
        seen.push(n);
      });
      return {
        saveState: () => seen,
        loadState: (state) => {
          seen = state as number[];
        },
      };
    },
  });
}

export const reader = readerOf("reader", "orders");
export const strict = readerOf("strict", "strict");
