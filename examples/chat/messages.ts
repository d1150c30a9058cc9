import { defineMessage } from "agentrt";
import * as v from "valibot";

/** The counterpart of the Python dataclass of this name. */
export const ChatLine = defineMessage(
  "ChatLine",
  v.object({ speaker: v.string(), text: v.string() }),
);
