/** Durable topics of a running host while each sync of its disk takes long. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../kit/wait.ts";
import { call, DiskWorld, publishDurable, publishPlain, Receiver } from "./disk-world.ts";

setDefaultTimeout(60_000);

/** Of 4 KB: several times what one connection may have under way. */
const DURABLE = 800;
const PLAIN = 200;
const SYNC_MS = 1_000;

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

test("slow disk - durable publishers wait, and plain topics and calls of the same worker do not", async () => {
  await using world = new DiskWorld(undefined);
  await using publisher = await world.connect();
  await using worker = await world.connect();
  const receiver = await Receiver.on(worker);
  await call(publisher);
  world.faults.set({ syncDelayMs: SYNC_MS });
  let stored = 0;
  const durable = upTo(DURABLE).map(async (n) => {
    expect(await publishDurable(publisher, n)).toBe("stored");
    stored += 1;
  });
  for (const n of upTo(PLAIN)) {
    await publishPlain(publisher, n);
    if (n % 10 === 0) {
      await call(publisher);
    }
  }
  await waitFor(() => receiver.plain.length >= PLAIN, { what: "the plain topic" });
  // All of it took the disk no more than some of its syncs.
  expect(stored).toBeLessThan(DURABLE);
  expect(receiver.durable.length).toBeLessThan(DURABLE);
  world.faults.set({});
  await Promise.all(durable);
  await waitFor(() => receiver.durable.length >= DURABLE, { what: "the durable topic" });
  expect(receiver.durable).toEqual(upTo(DURABLE));
  expect(receiver.plain).toEqual(upTo(PLAIN));
});
