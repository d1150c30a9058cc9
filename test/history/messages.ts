import { defineMessage, type MessageOf } from "agentrt";
import * as v from "valibot";

export const DURABLE_TOPICS = ["d.orders", "d.other"] as const;
export const PLAIN_TOPICS = ["p.news"] as const;
export const KEYS = ["k0", "k1", "k2", "k3"] as const;

/** One message of a stream; see MessageName. */
export const Item = defineMessage(
  "Item",
  v.object({ stream: v.string(), n: v.number(), padding: v.string() }),
);

/** A call, and what the agent shall do with it. */
export const Ask = defineMessage(
  "Ask",
  v.object({ call: v.string(), wish: v.picklist(["answer", "fail", "dawdle"]) }),
);
export const Told = defineMessage("Told", v.object({ call: v.string() }));
export type Told = MessageOf<typeof Told>;

const Name = v.object({ stream: v.string(), n: v.number() });

/** Asks a counting agent for its state. */
export const Count = defineMessage("Count", v.object({}));
export const Tally = defineMessage(
  "Tally",
  v.object({
    counted: v.record(v.string(), v.array(v.tuple([v.number(), v.number()]))),
    again: v.array(Name),
  }),
);
export type Tally = MessageOf<typeof Tally>;
