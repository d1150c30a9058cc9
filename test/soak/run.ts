/** The long form of the soak, by hand: `bun run test/soak/run.ts --minutes 10`. Prints its account. */
import { parseArgs } from "node:util";
import { lostIn, soak } from "./soak.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const { report, ...result } = await soak(Number(values.minutes) * 60_000);
const { totals, deadLetters } = report;
const account = { ...result, lost: lostIn(report), deadLetters: deadLetters.byReason, totals };
process.stdout.write(`${JSON.stringify(account, undefined, 2)}\n`);
