// Appends to the log of a folder whose disk fails by turns, and copies the folder after each append: a kill at that
// moment would leave it so. Notes in each copy what was said of each batch so far.

import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentrtError } from "../../../src/core/errors.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { randomOf } from "../../kit/random.ts";
import { batchOf } from "./log-batches.ts";

const [folder = "", copies = "", plan = "[]", seed = "0"] = process.argv.slice(2);
const faults = process.env["FAULTS_FILE"] ?? "";
const EIO = 5;
const random = randomOf(Number(seed));
const log = await openMessageLog(folder);
const outcomes: string[] = [];
for (const [step, fails] of (JSON.parse(plan) as boolean[]).entries()) {
  // As disk-faults.c reads it.
  writeFileSync(faults, `0 ${fails ? EIO : 0} 0`);
  // Some take more pages than others, so that not all of one that failed is written over.
  const bytes = 50 + Math.floor(random() * 12_000);
  outcomes.push(
    await log.append([batchOf("p", step + 1, { bytes })]).then(
      () => "stored",
      (error: unknown) => AgentrtError.from(error).code,
    ),
  );
  const copy = join(copies, String(step));
  cpSync(folder, copy, { recursive: true });
  writeFileSync(join(copies, `${step}.json`), JSON.stringify(outcomes));
}
writeFileSync(faults, "0 0 0");
await log.close();
