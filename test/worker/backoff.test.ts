import { expect, test } from "bun:test";
import fc from "fast-check";
import { startBackoff } from "../../src/worker/backoff.ts";

test("backoff - every pause is random below its bound, which doubles up to the cap", () => {
  const limits = fc.record({
    backoffInitialMs: fc.integer({ min: 1, max: 500 }),
    backoffMaxMs: fc.integer({ min: 1, max: 2_000 }),
  });
  fc.assert(
    fc.property(limits, ({ backoffInitialMs, backoffMaxMs }) => {
      let backoff = startBackoff({ backoffInitialMs, backoffMaxMs });
      for (let n = 0; n < 12; n += 1) {
        const bound = Math.min(backoffInitialMs * 2 ** n, backoffMaxMs);
        expect(backoff.durationMs).toBeGreaterThanOrEqual(0);
        expect(backoff.durationMs).toBeLessThanOrEqual(bound);
        backoff = backoff.next();
      }
    }),
  );
});

test("backoff - a pause ends early when its signal aborts, before or meanwhile", async () => {
  const long = startBackoff({ backoffInitialMs: 3_600_000, backoffMaxMs: 3_600_000 });
  const abort = new AbortController();
  const pause = long.wait(abort.signal);
  abort.abort();
  await pause;
  await long.wait(abort.signal);
});
