import { defineMessage } from "agentrt";
import * as v from "valibot";

/** One piece of work. The customer is the key of the agent that does it. */
export const Task = defineMessage("Task", v.object({ customer: v.string(), number: v.number() }));
/** The answer to a task, and published for whoever counts. */
export const TaskDone = defineMessage(
  "TaskDone",
  v.object({ customer: v.string(), number: v.number() }),
);
export const WhereAreYou = defineMessage("WhereAreYou", v.object({}));
export const Process = defineMessage("Process", v.object({ pid: v.number() }));
