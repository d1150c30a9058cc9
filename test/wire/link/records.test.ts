import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TopicId } from "../../../src/core/topic-id.ts";
import { OpenBatch } from "../../../src/wire/link/batch-frame.ts";
import { eventsOf } from "../../../src/wire/link/batched-event.ts";
import { encodeExtras, readRecords } from "../../../src/wire/link/records.ts";
import { thrownBy } from "../../kit/thrown.ts";

const extras = fc.option(
  fc.record({ id: fc.string({ maxLength: 20 }), headers: fc.constant({ h: "v" }) }),
  { nil: undefined },
);
const record = fc.record({ data: fc.uint8Array({ maxLength: 500 }), extras });
const route = {
  topic: new TopicId("t", "s"),
  sender: undefined,
  headers: { priority: "low" },
  dataType: "D",
  contentType: "c",
  producer: "p",
  receivers: [],
};

describe("records of a batch", () => {
  test("property - each comes back with its number, its id and its headers", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
        const batch = new OpenBatch(1);
        for (const { data, extras: own } of records) {
          batch.append(data, own === undefined ? undefined : encodeExtras(own));
        }
        const events = eventsOf({
          kind: "batch",
          route,
          sequence: 100,
          position: 0,
          count: batch.count,
          records: batch.records,
        });
        expect(events.map(({ payload }) => Buffer.from(payload.data).toString("hex"))).toEqual(
          records.map(({ data }) => Buffer.from(data).toString("hex")),
        );
        expect(events.map(({ id }) => id)).toEqual(
          records.map(({ extras: own }, index) =>
            own === undefined || own.id === "" ? `p/${100 + index}` : own.id,
          ),
        );
        expect(events.map(({ headers }) => headers)).toEqual(
          records.map(({ extras: own }) =>
            own === undefined ? { priority: "low" } : { priority: "low", h: "v" },
          ),
        );
      }),
    );
  });

  test("property - cut off, or with something left behind them, they are refused", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), fc.nat(), (records, at) => {
        const batch = new OpenBatch();
        for (const { data } of records) {
          batch.append(data, undefined);
        }
        const whole = batch.records;
        const cut = whole.subarray(0, at % whole.byteLength);
        for (const bytes of [cut, Buffer.concat([whole, Buffer.from([0])])]) {
          const error = thrownBy(() => readRecords(bytes, batch.count, () => undefined));
          expect(error.code).toBe("BAD_FRAME");
        }
      }),
    );
  });
});
