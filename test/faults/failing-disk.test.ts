/** Durable topics of a running host while its disk refuses writes, or says that it has lost some. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Faults } from "../kit/disk-faults.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";
import { call, DiskWorld, publishDurable, publishPlain, Receiver } from "./disk-world.ts";

setDefaultTimeout(60_000);

const FAILURES: readonly (readonly [string, Faults, string])[] = [
  ["became read-only", { writeError: "EROFS" }, "STORE_READ_ONLY"],
  ["has no quota left", { writeError: "EDQUOT" }, "STORE_FULL"],
  ["cannot write", { writeError: "EIO" }, "STORE_UNUSABLE"],
  ["finds no room when it syncs", { syncError: "ENOSPC" }, "STORE_FULL"],
  ["cannot sync", { syncError: "EIO" }, "STORE_UNUSABLE"],
];

test("failing disk - nothing is acknowledged by one that refuses, all else goes on, and it recovers", async () => {
  await using world = new DiskWorld(undefined);
  await using publisher = await world.connect();
  await using worker = await world.connect();
  const receiver = await Receiver.on(worker);
  const stored: number[] = [];
  let n = 0;
  for (const [what, faults, code] of FAILURES) {
    world.faults.set(faults);
    const refused: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      n += 1;
      expect([what, await publishDurable(publisher, n)]).toEqual([what, code]);
      refused.push(n);
      await publishPlain(publisher, n);
      await call(publisher);
    }
    world.faults.set({});
    for (const again of refused) {
      expect([what, await publishDurable(publisher, again)]).toEqual([what, "stored"]);
    }
    stored.push(...refused);
  }
  await waitFor(() => receiver.durable.length >= stored.length, { what: "the durable topic" });
  expect(receiver.durable).toEqual(stored);
  expect(receiver.plain).toEqual(Array.from({ length: n }, (_, index) => index + 1));
  const { code, stdout } = await runAgentrt([
    ...["data", "check", `--host-address=${await world.address()}`],
  ]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("sound")]);
});
