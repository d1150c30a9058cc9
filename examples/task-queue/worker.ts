// Does the tasks of a customer, one after the other. Any number of processes may run this file.
import { setTimeout as sleep } from "node:timers/promises";
import { defineAgent, TopicId } from "agentrt";
import { Process, Task, TaskDone, WhereAreYou } from "./messages.ts";

const WORK_MS = 1_000;

export const worker = defineAgent({
  type: "task_worker",
  // Each customer's agent lives in exactly one of the processes.
  options: { policy: "shared", handlerTimeoutMs: 10_000 },
  description: "Does the tasks of one customer",
  setup(agent) {
    agent.handleRpc(Task, async ({ customer, number }, { signal }) => {
      await sleep(WORK_MS, undefined, { signal });
      console.log(`${customer}: task ${number}`);
      const done = TaskDone.of({ customer, number });
      await agent.publishMessage(done, new TopicId("tasks_done", "all"));
      return done;
    });
    agent.handleRpc(WhereAreYou, () => Process.of({ pid: process.pid }));
  },
});
