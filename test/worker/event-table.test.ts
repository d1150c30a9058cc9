import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TopicId } from "../../src/core/topic-id.ts";
import { EventTable, hashOf } from "../../src/worker/event-table.ts";

const topics = ["a", "b"].map((source) => new TopicId("t", source));

describe("event table", () => {
  test("property - knows what a plain set would know, whatever the hashes are", () => {
    const steps = fc.array(
      fc.record({
        // Most steps add something new, so that the table grows.
        act: fc.constantFrom("add", "add", "add", "delete", "clear"),
        id: fc.nat({ max: 300 }).map(String),
        topic: fc.constantFrom(...topics),
      }),
      { maxLength: 400 },
    );
    // Few hashes, so that many events fall on one place.
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 7, 2 ** 32), (list, hashes) => {
        const table = new EventTable();
        const model = new Set<string>();
        for (const [index, { act, id, topic }] of list.entries()) {
          const event = { id, topic };
          const hash = ((hashOf(id) >>> 0) % hashes) | 0;
          const key = `${topic}\n${id}`;
          expect(table.has(event, hash)).toBe(model.has(key));
          if (act === "clear" && index % 50 === 0) {
            table.clear();
            model.clear();
          } else if (act === "delete") {
            table.delete(event, hash);
            model.delete(key);
          } else if (act === "add" && !model.has(key)) {
            table.add(event, hash);
            model.add(key);
          }
          expect(table.size).toBe(model.size);
        }
      }),
    );
  });

  test("clear - gives back the room, without end", () => {
    const table = new EventTable();
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 31; n += 1) {
        const event = { id: `${round} ${n}`, topic: new TopicId("t", "a") };
        table.add(event, hashOf(event.id));
      }
      table.clear();
      expect([table.size, table.used]).toEqual([0, 0]);
    }
  });

  test("hash - the same for the same text and seed, spread for others, of odd lengths and other letters too", () => {
    const texts = Array.from({ length: 10_000 }, (_, n) => `reading-${n}`);
    expect(new Set(texts.map((text) => hashOf(text))).size).toBeGreaterThan(9_990);
    const places = new Set(texts.map((text) => hashOf(text) & 0x3fff));
    expect(places.size).toBeGreaterThan(6_000);
    for (const text of ["", "a", "ab", "abc", "abé", "日本", "日本語"]) {
      expect(hashOf(text, 1)).toBe(hashOf(`${text} `.slice(0, -1), 1));
      expect(hashOf(text, 1)).not.toBe(hashOf(text, 2));
    }
    expect(hashOf("a")).not.toBe(hashOf("a\0"));
  });
});
