import { expect } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFile } from "../../src/store/log/log-file.ts";
import { compileLibrary } from "../kit/compile-library.ts";
import { type DiskStep, ImitatedDisk, readRecord } from "../kit/disk-record.ts";
import { startProcess } from "../kit/process.ts";
import { everything, textOf } from "../store/log/log-batches.ts";

/** Runs a program of this folder over a data folder, and gives what it did to the disk. */
export async function recordProgram(
  program: string,
  rounds: number,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly DiskStep[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "agentrt-power-")));
  try {
    const [data, record] = [join(folder, "data"), join(folder, "record")];
    mkdirSync(data);
    const library = compileLibrary("disk-recorder", folder);
    const path = join(import.meta.dir, program);
    await using child = startProcess([process.execPath, path, data, library, String(rounds)], {
      cwd: folder,
      env: { ...env, LD_PRELOAD: library, RECORD_FOLDER: data, RECORD_FILE: record },
    });
    expect({ code: await child.waitForExit(60_000), err: child.stderr }).toEqual({
      code: 0,
      err: "",
    });
    return readRecord(record);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

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

export interface Checked {
  readonly moments: number;
  readonly acknowledged: number;
  readonly syncs: number;
}

/**
 * Loses the power at so many moments at which something was synced, and as many between them, and looks whether what
 * was marked as acknowledged by then is there, whole and in order, and nothing else.
 */
export async function loseAtMoments(
  steps: readonly DiskStep[],
  { moments: wanted, seed, random }: { moments: number; seed: number; random: () => number },
): Promise<Checked> {
  // In memory where there is such a folder, because each state is synced again.
  const lost = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agentrt-power-"));
  const syncs = steps.filter(({ kind }) => kind === "sync" || kind === "failedSync").length;
  const writes = steps.length - syncs;
  const disk = new ImitatedDisk();
  let acknowledged = 0;
  let floor = 0;
  let moments = 0;
  try {
    for (const [index, step] of steps.entries()) {
      disk.apply(step);
      if (step.kind === "mark") {
        if (step.number % 2 === 0) {
          acknowledged = Math.max(acknowledged, step.number / 2);
        } else {
          floor = Math.max(floor, (step.number - 1) / 2);
        }
      }
      const isSync = step.kind === "sync" || step.kind === "failedSync";
      if (random() > wanted / (isSync ? syncs : writes)) {
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
    return { moments, acknowledged, syncs };
  } finally {
    rmSync(lost, { recursive: true, force: true });
  }
}
