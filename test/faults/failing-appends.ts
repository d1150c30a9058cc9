// Appends to the log of a folder under a disk recorder whose syncs fail now and then, and marks what was acknowledged.

import { dlopen } from "bun:ffi";
import type { AgentrtError } from "../../src/core/errors.ts";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { batchOf } from "../store/log/log-batches.ts";

const [folder = "", library = "", rounds = "0"] = process.argv.slice(2);
const recorder = dlopen(library, { record_mark: { args: ["u32"], returns: "void" } });

/** Until it is acknowledged. */
async function insist<R>(write: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if ((error as AgentrtError).code !== "STORE_UNUSABLE") {
        throw error;
      }
    }
  }
}

const log = await insist(() => openMessageLog(folder));
const patterns = [{ kind: "prefix", text: "" }] as const;
await insist(() => log.openCursor("c", { patterns, start: { at: "first" } }));
for (let last = 2; last <= 2 * Number(rounds); last += 2) {
  const batches = [last - 1, last].map((sequence) =>
    batchOf("p", sequence, { bytes: 50 + ((sequence * 7_919) % 30_000) }),
  );
  await insist(() => log.append(batches));
  // An even number: a batch. An odd one: the floor of the cursor.
  recorder.symbols.record_mark(last * 2);
  const cursors = [{ name: "c", state: { floor: last, done: [], attempts: [] } }];
  await insist(() => log.commit({ cursors }));
  recorder.symbols.record_mark(last * 2 + 1);
}
await log.close();
