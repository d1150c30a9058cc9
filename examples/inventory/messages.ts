import { defineMessage } from "agentrt";
import * as v from "valibot";

/** The counterparts of the Python dataclasses of these names. */
export const OrderUpdate = defineMessage(
  "OrderUpdate",
  v.object({ note: v.string(), item: v.string(), quantity: v.number() }),
);
export const GetStock = defineMessage("GetStock", v.object({ item: v.string() }));
export const Stock = defineMessage("Stock", v.object({ item: v.string(), left: v.number() }));
