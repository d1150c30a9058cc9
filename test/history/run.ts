/**
 * The long form, by hand: `bun run test/history/run.ts --seed 7 --minutes 60`. Prints what happened and, when a
 * promise was broken, which, and where the history is kept; it ends with 1 then.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accountOf } from "./account.ts";
import { type FaultName, UNDAMAGING } from "./nemesis.ts";
import { runHistory } from "./run-history.ts";

const SHOWN = 20;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000_000)) },
    minutes: { type: "string", default: "1" },
    /** Divided by commas; all but those that damage what is stored by default. */
    faults: { type: "string", default: UNDAMAGING.join() },
    /** Keeps the history of a run without violations too. */
    keep: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), `agentrt-history-${seed}-`));
say(`seed ${seed}, history in ${folder}`);
const { events, violations } = await runHistory({
  seed,
  durationMs: Number(values.minutes) * 60_000,
  folder,
  faults: values.faults.split(",") as FaultName[],
  tell: say,
});
say(JSON.stringify(accountOf(events), undefined, 2));
for (const { invariant, text } of violations.slice(0, SHOWN)) {
  say(`BROKEN  ${invariant}: ${text}`);
}
say(
  `seed ${seed}: ${violations.length} violations${violations.length > 0 ? `, see ${folder}` : ""}`,
);
if (violations.length === 0 && !values.keep) {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = violations.length === 0 ? 0 : 1;
