import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFile } from "../../src/store/log/log-file.ts";
import { compileLibrary } from "../kit/compile-library.ts";
import { type DiskStep, ImitatedDisk, readRecord } from "../kit/disk-record.ts";
import { startProcess } from "../kit/process.ts";
import { randomOf } from "../kit/random.ts";
import { everything, textOf } from "../store/log/log-batches.ts";

const ROUNDS = 250;
/** Of all moments at which something was synced, and as many between them. */
const MOMENTS = 40;

let folder: string;
/** Where the states after a loss are opened: in memory where there is such a folder, because each is synced again. */
let lost: string;
let steps: readonly DiskStep[];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "agentrt-power-")));
  lost = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agentrt-power-"));
  const [data, record] = [join(folder, "data"), join(folder, "record")];
  mkdirSync(data);
  const library = compileLibrary("disk-recorder", folder);
  const program = join(import.meta.dir, "recorded-appends.ts");
  await using child = startProcess([process.execPath, program, data, library, String(ROUNDS)], {
    cwd: folder,
    env: { LD_PRELOAD: library, RECORD_FOLDER: data, RECORD_FILE: record },
  });
  expect({ code: await child.waitForExit(60_000), err: child.stderr }).toEqual({
    code: 0,
    err: "",
  });
  steps = readRecord(record);
}, 90_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(lost, { recursive: true, force: true });
});

interface Found {
  readonly texts: readonly string[];
  readonly floor: number;
  readonly isSound: boolean;
}

async function open(data: string): Promise<Found> {
  using file = LogFile.open(
    data,
    {
      ...{ dedupBatchesPerProducer: 1_000, dedupProducerAgeMs: 1_000_000, maxFileBytes: undefined },
      dead: { maxRecords: 1_000, maxBytes: 1_000_000, maxAgeMs: undefined },
    },
    () => undefined,
  );
  const { batches } = file.asks.read(everything());
  const { isSound } = await file.asks.check({});
  const [cursor] = file.asks.listCursors({});
  return { texts: batches.map(textOf), floor: cursor?.state.floor ?? 0, isSound };
}

test("power loss - what was acknowledged is there at every moment, and nothing else is invented", async () => {
  const seed = Number(process.env["AGENTRT_SEED"] ?? Math.floor(Math.random() * 1_000_000_000));
  const random = randomOf(seed);
  const syncs = steps.filter(({ kind }) => kind === "sync").length;
  const writes = steps.length - syncs;
  // The main file was written too, so the write-ahead log was brought into it meanwhile.
  expect(
    steps.filter((step) => step.kind === "write" && step.name === "log.sqlite").length,
  ).toBeGreaterThan(100);
  const disk = new ImitatedDisk();
  let acknowledged = 0;
  let floor = 0;
  let moments = 0;
  for (const [index, step] of steps.entries()) {
    disk.apply(step);
    if (step.kind === "mark") {
      if (step.number % 2 === 0) {
        acknowledged = Math.max(acknowledged, step.number / 2);
      } else {
        floor = Math.max(floor, (step.number - 1) / 2);
      }
    }
    const chance = step.kind === "sync" ? MOMENTS / syncs : MOMENTS / writes;
    if (random() > chance) {
      continue;
    }
    moments += 1;
    for (const keep of [0, 0.5, 1]) {
      disk.loseCurrent(lost, () => random() < keep);
      const found = await open(lost);
      const count = found.texts.length;
      const context = `seed ${seed}, step ${index}, kept ${keep}`;
      expect({ context, texts: found.texts, isSound: found.isSound }).toEqual({
        context,
        texts: Array.from({ length: count }, (_, at) => `p/${at + 1}`),
        isSound: true,
      });
      expect({ context, isThere: count >= acknowledged && found.floor >= floor }).toEqual({
        context,
        isThere: true,
      });
    }
  }
  expect(moments).toBeGreaterThan(MOMENTS);
  expect(acknowledged).toBeGreaterThan(ROUNDS);
  expect(syncs).toBeGreaterThan(ROUNDS);
}, 120_000);
