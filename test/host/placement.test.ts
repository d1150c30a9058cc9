import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Place, placeOf } from "../../src/host/placement.ts";

const ids = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 });
const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), {
  minLength: 1,
  maxLength: 60,
});

function placesOf(clientIds: readonly string[]): Place[] {
  return clientIds.map((clientId) => ({ clientId }));
}

test("placement - no place for no worker, and the only one otherwise", () => {
  expect(placeOf([], "a/1")).toBeUndefined();
  expect(placeOf(placesOf(["only"]), "a/1")?.clientId).toBe("only");
});

test("placement - the order of the workers does not matter", () => {
  fc.assert(
    fc.property(ids, names, (clientIds, all) => {
      const [there, back] = [placesOf(clientIds), placesOf([...clientIds].reverse())];
      for (const name of all) {
        expect(placeOf(there, name)?.clientId).toBe(placeOf(back, name)?.clientId ?? "none");
      }
    }),
  );
});

test("placement - a worker that goes gives away its own instances only, and one that comes takes only for itself", () => {
  fc.assert(
    fc.property(ids, fc.uuid(), names, (clientIds, newcomer, all) => {
      const few = placesOf(clientIds.filter((id) => id !== newcomer));
      const many = [...few, { clientId: newcomer }];
      for (const name of all) {
        const [before, after] = [placeOf(few, name), placeOf(many, name)];
        expect(after?.clientId === newcomer || after?.clientId === before?.clientId).toBe(true);
      }
    }),
  );
});

test("placement - each of eight workers has about an eighth of 20,000 instances", () => {
  const places = placesOf(Array.from({ length: 8 }, (_, index) => `worker-${index}`));
  const counts = new Map<string, number>();
  for (let index = 0; index < 20_000; index += 1) {
    const clientId = placeOf(places, `task/${index}`)?.clientId ?? "none";
    counts.set(clientId, (counts.get(clientId) ?? 0) + 1);
  }
  expect(counts.size).toBe(8);
  for (const count of counts.values()) {
    // Four standard deviations of a fair draw.
    expect(Math.abs(count - 2_500)).toBeLessThan(4 * Math.sqrt(20_000 * (1 / 8) * (7 / 8)));
  }
});
