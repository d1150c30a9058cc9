import { defineMessage } from "agentrt";
import * as v from "valibot";

export const Read = defineMessage("Read", v.object({}));
/** `count` says how many readings this sensor has given. */
export const Reading = defineMessage(
  "Reading",
  v.object({ celsius: v.number(), count: v.number() }),
);
