// Counts what is done. A task that was given twice, because its first worker died, counts once.
import { defineAgent } from "agentrt";
import { TaskDone } from "./messages.ts";

export const collector = defineAgent({
  type: "task_collector",
  subscriptions: ["tasks_done"],
  description: "Counts the tasks that are done",
  setup(agent) {
    const done = new Set<string>();
    agent.handleEvent(TaskDone, ({ customer, number }) => {
      const before = done.size;
      done.add(`${customer} ${number}`);
      if (done.size > before && done.size % 10 === 0) {
        console.log(`${done.size} tasks done`);
      }
    });
    return {
      saveState: () => [...done],
      loadState(state) {
        for (const task of state as string[]) {
          done.add(task);
        }
      },
    };
  },
});
