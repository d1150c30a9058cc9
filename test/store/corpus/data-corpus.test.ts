/** Data folders of each version, read by the store of today; scripts/record-corpus.sh adds to them. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { contentOfHost, contentOfWorker } from "./folder-content.ts";

const CORPUS = resolve(import.meta.dir, "../../corpus/data");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-data-corpus-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe.each(readdirSync(CORPUS))("the corpus of data folders - version %s", (version) => {
  const expected = JSON.parse(readFileSync(join(CORPUS, version, "content.jsonl"), "utf8"));

  function copyOf(part: "host" | "worker"): string {
    const copy = join(folder, part);
    cpSync(join(CORPUS, version, part), copy, { recursive: true });
    return copy;
  }

  test("a host's messages, cursors, dead, waiting and declared ones are what they were, and what comes again is known", async () => {
    // A later version may say more.
    expect(await contentOfHost(copyOf("host"))).toMatchObject(expected.host);
    const { host } = expected;
    // There is something of each kind to be read.
    for (const kind of ["batches", "topics", "cursors", "dead", "schedules", "damaged", "due"]) {
      expect([kind, host[kind].length]).not.toEqual([kind, 0]);
    }
    expect(host.deadLetters.length).toBeGreaterThan(0);
    for (const { isDuplicate } of host.duplicates) {
      expect(isDuplicate).toBe(true);
    }
  });

  test("a check finds nothing but the damage of then, and a copy and a compacted folder hold the same", async () => {
    const host = copyOf("host");
    {
      await using log = await openMessageLog(host);
      const { structure, damaged, batches, records } = await log.check();
      expect({ structure, damaged }).toEqual({ structure: [], damaged: expected.host.damaged });
      expect({ batches, records }).toEqual({
        batches: expected.host.facts.batches,
        records: expected.host.facts.records,
      });
      await log.backup(join(folder, "copy"));
      await log.compact();
    }
    const { deadLetters: _, ...inLog } = expected.host;
    const { facts: _facts, ...others } = inLog;
    expect(await contentOfHost(join(folder, "copy"))).toMatchObject(others);
    expect(await contentOfHost(host)).toMatchObject(inLog);
  });

  test("a worker's states, and what its agents have handled, are what they were", () => {
    expect(contentOfWorker(copyOf("worker"), expected.agents)).toEqual(expected.worker);
    expect(expected.worker[0].state).not.toEqual([]);
  });
});
