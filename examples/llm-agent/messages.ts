import { defineMessage } from "agentrt";
import * as v from "valibot";

export const Question = defineMessage("Question", v.object({ text: v.string() }));
export const Reply = defineMessage("Reply", v.object({ text: v.string() }));
export const GetTemperature = defineMessage("GetTemperature", v.object({}));
export const Temperature = defineMessage("Temperature", v.object({ celsius: v.number() }));
