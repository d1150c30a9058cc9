import { defineMessage } from "agentrt";
import * as v from "valibot";

/** The counterpart of the Python dataclass of this name. */
export const BenchMessage = defineMessage(
  "BenchMessage",
  v.object({ sequence: v.number(), text: v.string() }),
);
