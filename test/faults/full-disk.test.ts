/** Durable topics of a running host while its disk is full. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";
import { call, DiskWorld, publishDurable, publishPlain, Receiver } from "./disk-world.ts";

setDefaultTimeout(60_000);

const MEMORY_DISK = ["-t", "tmpfs", "-o", "size=4m", "agentrt"];

/** Takes all the room that is left. */
function fill(file: string): void {
  const descriptor = openSync(file, "w");
  const piece = Buffer.alloc(4_096, 1);
  try {
    while (writeSync(descriptor, piece) > 0) {
      // Until the disk has no more.
    }
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(descriptor);
  }
}

test("full disk - durable publications fail by their code, all else goes on, and room is enough to recover", async () => {
  await using world = new DiskWorld(MEMORY_DISK);
  await using publisher = await world.connect();
  await using worker = await world.connect();
  const receiver = await Receiver.on(worker);
  await publishDurable(publisher, 0);
  const filler = join(world.inside, "filler");
  fill(filler);

  const stored = [0];
  const refused: number[] = [];
  for (let n = 1; refused.length < 20; n += 1) {
    const outcome = await publishDurable(publisher, n);
    expect(["stored", "STORE_FULL"]).toContain(outcome);
    (outcome === "stored" ? stored : refused).push(n);
    await publishPlain(publisher, n);
    await call(publisher);
  }
  const pub = await runAgentrt([
    ...["pub", "orders", '{"n": -1}', "--type=Item", `--host-address=${await world.address()}`],
  ]);
  expect(pub.code).toBe(1);
  expect(pub.stderr).toMatch(/^agentrt: .*has no room left.* \[STORE_FULL\]\n$/);
  const plain = Array.from({ length: stored.length + refused.length - 1 }, (_, n) => n + 1);
  await waitFor(() => receiver.plain.length >= plain.length, { what: "the plain topic" });
  expect(receiver.plain).toEqual(plain);

  rmSync(filler);
  for (const n of refused) {
    expect(await publishDurable(publisher, n)).toBe("stored");
  }
  stored.push(...refused);
  await waitFor(() => receiver.durable.length >= stored.length, { what: "the durable topic" });
  expect(receiver.durable).toEqual(stored);
});

test("full disk - a subscription that is made meanwhile is stored when there is room", async () => {
  await using world = new DiskWorld(MEMORY_DISK);
  await using publisher = await world.connect();
  const filler = join(world.inside, "filler");
  fill(filler);
  await using worker = await world.connect();
  const receiver = await Receiver.on(worker);
  await world.host.waitForLog("a durable subscription cannot be stored; it is tried again");
  expect(await publishDurable(publisher, 1)).toBe("STORE_FULL");
  rmSync(filler);
  await waitFor(
    async () => {
      await publishDurable(publisher, 2);
      return receiver.durable.length > 0;
    },
    { what: "the subscription" },
  );
  const { stdout } = await runAgentrt(["data", "check", `--host-address=${await world.address()}`]);
  expect(stdout).toContain("sound");
});
