import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AgentId } from "../../src/core/agent-id.ts";
import type { DeadLetter } from "../../src/core/dead-letter.ts";
import type { Store } from "../../src/core/state-store.ts";
import { MAX_DEAD_LETTERS } from "../../src/store/memory-store.ts";
import { agentId, anyText } from "../kit/arbitraries.ts";

export function letter(number: number): DeadLetter {
  return {
    at: new Date(number).toISOString(),
    reason: "NO_SUCH_AGENT",
    detail: `letter ${number}`,
    messageId: String(number),
    kind: "event",
    destination: "topic/süd",
    sender: "",
    dataType: "Reading",
    bytes: number,
  };
}

const numbers = (store: Store, limit: number): number[] =>
  store.listDeadLetters(limit).map(({ bytes }) => bytes);

/** What every store promises; `make` gives an empty one. */
export function describeStore(name: string, make: () => Store): void {
  describe(`store contract - ${name}`, () => {
    let store: Store;
    beforeEach(() => {
      store = make();
    });
    afterEach(() => {
      store[Symbol.dispose]();
    });

    test(`${name} - a state that was never saved is undefined`, () => {
      expect(store.loadState(new AgentId("agent", "key"))).toBeUndefined();
    });

    test(`${name} - the state saved last comes back, each agent's its own`, () => {
      const states = new Map<string, string>();
      fc.assert(
        fc.property(agentId, anyText, (id, state) => {
          store.saveState(id, state);
          states.set(String(id), state);
          expect(store.loadState(id)).toBe(state);
        }),
        { numRuns: 30 },
      );
      for (const [id, state] of states) {
        expect(store.loadState(AgentId.parse(id))).toBe(state);
      }
    });

    test(`${name} - a large state is kept`, () => {
      const id = new AgentId("agent", "key");
      const state = JSON.stringify("ü".repeat(1_000_000));
      store.saveState(id, state);
      expect(store.loadState(id) === state).toBe(true);
    });

    test(`${name} - dead letters come back whole, newest first, as many as asked for`, () => {
      store.addDeadLetters([]);
      expect(numbers(store, 10)).toEqual([]);
      store.addDeadLetters([letter(1), letter(2)]);
      store.addDeadLetters([letter(3)]);
      expect(store.listDeadLetters(10)).toEqual([letter(3), letter(2), letter(1)]);
      expect(numbers(store, 2)).toEqual([3, 2]);
      expect(numbers(store, 0)).toEqual([]);
    });

    test(`${name} - only the newest dead letters are kept`, () => {
      const letters = Array.from({ length: MAX_DEAD_LETTERS + 5 }, (_, number) => letter(number));
      store.addDeadLetters(letters.slice(0, 7));
      store.addDeadLetters(letters.slice(7));
      const kept = numbers(store, letters.length);
      expect([kept.length, kept[0], kept.at(-1)]).toEqual([
        MAX_DEAD_LETTERS,
        MAX_DEAD_LETTERS + 4,
        5,
      ]);
    });
  });
}
