import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { FaultyDisk } from "../../kit/disk-faults.ts";
import { randomOf } from "../../kit/random.ts";
import { batchOf, everything, textOf } from "./log-batches.ts";

setDefaultTimeout(60_000);

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "agentrt-failed-sync-")));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Kill {
  /** Of each batch, in order: "stored", or the code with which it was refused. */
  readonly outcomes: readonly string[];
  readonly folder: string;
}

/** What a kill would have left after each append to a disk of which each sync of some appends fails. */
async function killsOf(plan: readonly boolean[], seed = 1): Promise<readonly Kill[]> {
  const [data, copies] = [join(folder, "data"), join(folder, "copies")];
  mkdirSync(data);
  mkdirSync(copies);
  const program = Bun.spawn(
    [
      ...[process.execPath, join(import.meta.dir, "failing-program.ts")],
      ...[data, copies, JSON.stringify(plan), String(seed)],
    ],
    { env: { ...process.env, ...new FaultyDisk(data, folder).env }, stderr: "inherit" },
  );
  expect(await program.exited).toBe(0);
  return plan.map((_, step) => ({
    outcomes: JSON.parse(readFileSync(join(copies, `${step}.json`), "utf8")) as string[],
    folder: join(copies, String(step)),
  }));
}

async function foundIn({ folder: data }: Kill): Promise<readonly number[]> {
  await using log = await openMessageLog(data);
  const { batches } = await log.read(everything());
  return batches.map((batch) => Number(textOf(batch).slice("p/".length)));
}

const [WORKS, FAILS] = [false, true];

test("failed sync - what is refused behind it is not found by the next start without it", async () => {
  const kills = await killsOf([WORKS, FAILS, FAILS, FAILS]);
  const last = kills.at(-1);
  expect(last?.outcomes).toEqual(["stored", ...Array(3).fill("STORE_UNUSABLE")]);
  expect(await Promise.all(kills.map(foundIn))).toEqual([[1], [1, 2], [1, 2], [1, 2]]);
});

test("failed sync - what was refused is void when the next is stored", async () => {
  const kills = await killsOf([WORKS, FAILS, WORKS, FAILS, FAILS, WORKS]);
  expect(kills.at(-1)?.outcomes.flatMap((it, at) => (it === "stored" ? [at + 1] : []))).toEqual([
    ...[1, 3, 6],
  ]);
  expect(await Promise.all(kills.map(foundIn))).toEqual([
    ...[[1], [1, 2], [1, 3], [1, 3, 4], [1, 3, 4], [1, 3, 6]],
  ]);
});

test("failed sync - at every moment, all that was stored is found, and one refused batch at most, the first behind", async () => {
  const seed = Number(process.env["AGENTRT_SEED"] ?? Math.floor(Math.random() * 1_000_000_000));
  const random = randomOf(seed);
  const kills = await killsOf(
    Array.from({ length: 40 }, () => random() < 0.5),
    seed,
  );
  for (const kill of kills) {
    const stored = kill.outcomes.flatMap((it, at) => (it === "stored" ? [at + 1] : []));
    const next = (stored.at(-1) ?? 0) + 1;
    const found = await foundIn(kill);
    const isRefused = found.length > stored.length;
    expect({ seed, found }).toEqual({ seed, found: isRefused ? [...stored, next] : stored });
  }
});

test("failed sync - what a killed process has left is in the file before anything is stored behind it", async () => {
  const [, kill] = await killsOf([WORKS, FAILS]);
  const data = kill?.folder ?? "";
  {
    await using log = await openMessageLog(data);
    await log.append([batchOf("p", 3)]);
    // Without its write-ahead log, of which the system may have forgotten what it failed to write.
    rmSync(join(folder, "file"), { recursive: true, force: true });
    mkdirSync(join(folder, "file"));
    await Bun.write(join(folder, "file", "log.sqlite"), Bun.file(join(data, "log.sqlite")));
  }
  const found = await foundIn({ outcomes: [], folder: join(folder, "file") });
  expect(found.slice(0, 2)).toEqual([1, 2]);
});
