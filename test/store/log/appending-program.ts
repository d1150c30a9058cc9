// Appends one batch after the other to the log of a folder, and says of each that it was acknowledged.

import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { batchOf } from "./log-batches.ts";

const log = await openMessageLog(process.argv[2] ?? "");
for (let sequence = 1; ; sequence += 1) {
  await log.append([batchOf("p", sequence)]);
  process.stdout.write(`p/${sequence}\n`);
}
