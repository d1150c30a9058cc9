import { defineMessage } from "agentrt";
import * as v from "valibot";

export const Read = defineMessage("Read", v.object({}));
export const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
