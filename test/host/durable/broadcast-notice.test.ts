import { expect, test } from "bun:test";
import { BroadcastNotice } from "../../../src/host/durable/broadcast-notice.ts";

const ORDERS = { kind: "type", text: "orders" } as const;
const BILLS = { kind: "type", text: "bills" } as const;
const ALL = { kind: "prefix", text: "" } as const;

test("broadcast notice - it is said once for each type that is subscribed to a durable topic", () => {
  const notice = new BroadcastNotice();
  expect(notice.tell("screen", [BILLS], [ORDERS])).toBe(false);
  expect(notice.tell("screen", [BILLS, ORDERS], [ORDERS])).toBe(true);
  expect(notice.tell("screen", [ORDERS], [ORDERS])).toBe(false);
  expect(notice.tell("other", [ALL], [ORDERS])).toBe(true);
  expect(notice.tell("third", [ORDERS], [])).toBe(false);
});
