import { describe, expect, test } from "bun:test";
import { eitherOf, LazySignal } from "../../src/worker/lazy-signal.ts";

describe("lazy signal", () => {
  test("listeners hear of it once, and not those that were taken away", () => {
    const signal = new LazySignal();
    const heard: string[] = [];
    const other = (): void => void heard.push("other");
    signal.addEventListener("abort", () => heard.push("one"));
    signal.addEventListener("abort", other);
    signal.removeEventListener("abort", other);
    signal.abort("why");
    signal.abort("again");
    expect([heard, signal.aborted, signal.reason]).toEqual([["one"], true, "why"]);
  });

  test.each([true, false])("the real signal is aborted, made before: %p", (isBefore) => {
    const lazy = new LazySignal();
    const before = isBefore ? lazy.signal : undefined;
    lazy.abort("why");
    const signal = before ?? lazy.signal;
    expect([signal.aborted, signal.reason, lazy.signal]).toEqual([true, "why", signal]);
  });

  test("within another - it is aborted with that, which is no giving up", () => {
    const outer = new AbortController();
    const lazy = new LazySignal();
    const heard: string[] = [];
    eitherOf(outer.signal, lazy).addEventListener("abort", () => heard.push("it"));
    const { signal } = lazy;
    outer.abort("stop");
    expect([lazy.aborted, lazy.isGivenUp, lazy.reason]).toEqual([true, false, "stop"]);
    expect([signal.aborted, heard]).toEqual([true, ["it"]]);
  });
});
