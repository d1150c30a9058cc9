// Keeps the stock of each warehouse: one agent instance for each source of inventory_updates.
import { defineAgent } from "agentrt";
import { GetStock, OrderUpdate, Stock } from "./messages.ts";

const FULL = 100;

export const stock = defineAgent({
  type: "stock",
  subscriptions: ["inventory_updates"],
  description: "Knows what is left of each item",
  setup(agent) {
    const left = new Map<string, number>();
    agent.handleEvent(OrderUpdate, ({ note, item, quantity }) => {
      const remaining = (left.get(item) ?? FULL) - quantity;
      left.set(item, remaining);
      console.log(`${agent.id.key}: ${note}: ${quantity} x ${item}, ${remaining} left`);
    });
    agent.handleRpc(GetStock, ({ item }) => Stock.of({ item, left: left.get(item) ?? FULL }));
    return {
      saveState: () => Object.fromEntries(left),
      loadState: (state) => {
        for (const [item, remaining] of Object.entries(state ?? {})) {
          left.set(item, Number(remaining));
        }
      },
    };
  },
});
