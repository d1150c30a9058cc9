import { defineMessage } from "agentrt";
import * as v from "valibot";

export const Task = defineMessage(
  "Task",
  v.object({ number: v.number(), padding: v.optional(v.string()) }),
);
