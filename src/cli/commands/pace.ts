import type { Rate } from "./rate-type.ts";

/** Passes items on, no faster than the rate; ends early, also while it waits, when `stop` aborts. */
export async function* pace<T>(
  items: AsyncIterable<T>,
  rate: Rate | undefined,
  stop: AbortSignal,
): AsyncGenerator<T> {
  const stopped = Promise.withResolvers<"stopped">();
  const onAbort = (): void => stopped.resolve("stopped");
  stop.addEventListener("abort", onAbort, { once: true });
  if (stop.aborted) {
    onAbort();
  }
  const iterator = items[Symbol.asyncIterator]();
  let due = performance.now();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped.promise]);
      if (next === "stopped" || next.done === true) {
        return;
      }
      if (rate !== undefined) {
        await Promise.race([until(due), stopped.promise]);
        // After a pause of the source there is no hurry to catch up.
        due = Math.max(due, performance.now() - 1_000) + rate.perMs / rate.messages;
      }
      if (stop.aborted) {
        return;
      }
      yield next.value;
    }
  } finally {
    stop.removeEventListener("abort", onAbort);
  }
}

async function until(due: number): Promise<void> {
  const waitMs = due - performance.now();
  if (waitMs > 0) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
