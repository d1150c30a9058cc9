import { describe, expect, test } from "bun:test";
import type { DeadLetter } from "../../src/core/dead-letter.ts";
import { DeadLetterBuffer } from "../../src/store/dead-letter-buffer.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { waitFor } from "../kit/wait.ts";
import { letter } from "./store-contract.ts";

/** A store that says how it was used. */
function watchedStore(): { batches: number[]; numbers: () => number[]; buffer: DeadLetterBuffer } {
  const store = createMemoryStore();
  const batches: number[] = [];
  const watched = {
    ...store,
    addDeadLetters: (letters: readonly DeadLetter[]): void => {
      batches.push(letters.length);
      store.addDeadLetters(letters);
    },
  };
  return {
    batches,
    numbers: () => store.listDeadLetters(10_000).map(({ bytes }) => bytes),
    buffer: new DeadLetterBuffer(watched, (error) => {
      throw error;
    }),
  };
}

describe("dead letter buffer", () => {
  test("letters are stored together, by themselves after a while and at once by flush", async () => {
    const { batches, numbers, buffer } = watchedStore();
    buffer.add(letter(1));
    buffer.add(letter(2));
    expect(batches).toEqual([]);
    await waitFor(() => batches.length > 0, { what: "the store to be used" });
    expect([batches, numbers()]).toEqual([[2], [2, 1]]);
    buffer.add(letter(3));
    buffer.flush();
    buffer.flush();
    expect([batches, numbers()]).toEqual([
      [2, 1],
      [3, 2, 1],
    ]);
  });

  test("of a flood the newest are stored, and not more than a bound", () => {
    const { batches, numbers, buffer } = watchedStore();
    for (let number = 1; number <= 100_000; number += 1) {
      buffer.add(letter(number));
    }
    buffer.flush();
    expect(batches).toHaveLength(1);
    expect(batches[0]).toBeLessThanOrEqual(2_000);
    expect(numbers().slice(0, 1_000)).toEqual(
      Array.from({ length: 1_000 }, (_, index) => 100_000 - index),
    );
  });

  test("a store that fails is told of, and used again for what comes later", () => {
    const failures: unknown[] = [];
    const kept: number[] = [];
    const store = {
      ...createMemoryStore(),
      addDeadLetters: (letters: readonly DeadLetter[]): void => {
        if (failures.length === 0) {
          throw new Error("full");
        }
        kept.push(...letters.map(({ bytes }) => bytes));
      },
    };
    const buffer = new DeadLetterBuffer(store, (error) => failures.push(error));
    buffer.add(letter(1));
    buffer.flush();
    buffer.add(letter(2));
    buffer.flush();
    expect([failures, kept]).toEqual([[new Error("full")], [2]]);
  });
});
