// Gives each of five customers twelve tasks, in order, and each task again until it is done.
import { setTimeout as sleep } from "node:timers/promises";
import { AgentId, AgentrtError, GrpcWorkerAgentRuntime } from "agentrt";
import { Task, TaskDone } from "./messages.ts";

const CUSTOMERS = ["ada", "grace", "edsger", "barbara", "alan"];
const TASKS_EACH = 12;
const PAUSE_MS = 200;

const runtime = new GrpcWorkerAgentRuntime({
  hostAddress: process.env["AGENTRT_HOST_ADDRESS"] ?? "127.0.0.1:50051",
});
runtime.addMessageType(TaskDone);
await runtime.start();

async function doTask(customer: string, number: number): Promise<void> {
  const task = Task.of({ customer, number });
  while (true) {
    try {
      await runtime.sendMessage(task, new AgentId("task_worker", customer));
      return;
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      // Every error says whether another try makes sense: here it is WORKER_GONE, or a time-out.
      if (error.retry === "never") {
        throw error;
      }
      console.log(`${customer}: task ${number} again, ${error.code}`);
      await sleep(PAUSE_MS);
    }
  }
}

console.log(`giving ${CUSTOMERS.length * TASKS_EACH} tasks`);
await Promise.all(
  CUSTOMERS.map(async (customer) => {
    for (let number = 1; number <= TASKS_EACH; number += 1) {
      await doTask(customer, number);
    }
  }),
);
console.log("all tasks are done");
await runtime.stop();
