/**
 * The long form of the soak, by hand: `bun run test/soak/run.ts --minutes 10`. Prints its account, and
 * ends with 1 when messages are missing or memory grew.
 */
import { parseArgs } from "node:util";
import { growthOf } from "./memory.ts";
import { lostIn, missingIn, soak } from "./soak.ts";

const MIB = 1024 * 1024;
const MAX_GROWTH_BYTES = 12 * MIB;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
const { report, memory, victims, ...result } = await soak(minutes * 60_000);
const { totals, deadLetters, workers } = report;
const growth = growthOf(memory);
const everyMinute = Math.max(1, Math.round(memory.length / minutes));
const sum = (of: "offered" | "read" | "unread" | "queued"): number =>
  victims.reduce((total, victim) => total + victim[of], 0);
const killed = {
  subscribers: victims.length,
  offered: sum("offered"),
  read: sum("read"),
  unread: sum("unread"),
  queued: sum("queued"),
};
const account = {
  ...result,
  killed,
  lost: lostIn(report),
  deadLetters: deadLetters.byReason,
  workersLeft: workers.length,
  totals,
  residentMiB: memory
    .filter((_, index) => (index + 1) % everyMinute === 0)
    .map(({ residentBytes }) => Math.round((residentBytes / MIB) * 10) / 10),
  growth,
};
process.stdout.write(`${JSON.stringify(account, undefined, 2)}\n`);
const missing = missingIn(report, { ...result, victims });
const isWhole =
  missing <= 0 &&
  -missing <= killed.read &&
  account.lost + missing === killed.queued + killed.unread &&
  result.sharedHandled === result.published;
process.exitCode = isWhole && growth.grownBytes <= MAX_GROWTH_BYTES ? 0 : 1;
