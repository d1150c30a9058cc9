// Appends to the log of a folder under the disk recorder, and marks what was acknowledged.

import { dlopen } from "bun:ffi";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { batchOf } from "../store/log/log-batches.ts";

const [folder = "", library = "", rounds = "0"] = process.argv.slice(2);
const recorder = dlopen(library, { record_mark: { args: ["u32"], returns: "void" } });
const log = await openMessageLog(folder);

await log.openCursor("c", {
  patterns: [{ kind: "prefix", text: "" }],
  start: { at: "first" },
});
let sequence = 0;
for (let round = 1; round <= Number(rounds); round += 1) {
  const appends = Array.from({ length: 1 + (round % 3) }, async () => {
    sequence += 1;
    const mine = sequence;
    const bytes = 50 + ((mine * 7_919) % 9_000);
    await log.append([batchOf("p", mine, { bytes, topicType: `t.${mine % 3}` })]);
    // An even number: a batch. An odd one: the floor of the cursor.
    recorder.symbols.record_mark(mine * 2);
  });
  const floor = sequence;
  const commit = log
    .commit({ cursors: [{ name: "c", state: { floor, done: [], attempts: [] } }] })
    .then(() => recorder.symbols.record_mark(floor * 2 + 1));
  await Promise.all([...appends, commit]);
}
await log.close();
