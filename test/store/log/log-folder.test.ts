import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { startProcess } from "../../kit/process.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { waitFor } from "../../kit/wait.ts";
import { batchOf, everything, textOf } from "./log-batches.ts";

const CORPUS = resolve(import.meta.dir, "../../corpus");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-log-folder-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function change(sql: string): void {
  const database = new Database(join(folder, "log.sqlite"));
  database.run(sql);
  database.close();
}

test("log folder - one that is open is locked, in the same process too, and free when it is closed", async () => {
  const log = await openMessageLog(folder);
  expect(await rejectionOf(openMessageLog(folder))).toMatchObject({
    code: "STORE_LOCKED",
    message: `Another running host uses the message log in ${folder}. Stop that one, or give this one another folder with --data.`,
  });
  await log.append([batchOf("p", 1)]);
  await log.close();
  await using again = await openMessageLog(folder);
  expect(await again.facts()).toMatchObject({ records: 1 });
});

test("log folder - the lock of a process is free when that is killed, and what it acknowledged is there", async () => {
  await using child = startProcess(
    [process.execPath, join(import.meta.dir, "appending-program.ts"), folder],
    { cwd: tmpdir() },
  );
  await waitFor(() => child.stdout.split("\n").length > 20, { what: "20 appends" });
  expect((await rejectionOf(openMessageLog(folder))).code).toBe("STORE_LOCKED");
  await child.kill();
  const acknowledged = child.stdout.split("\n").slice(0, -1);
  await using log = await openMessageLog(folder);
  const texts = (await log.read(everything())).batches.map(textOf);
  expect(texts.slice(0, acknowledged.length)).toEqual(acknowledged);
  // A host cares for its log from the start on, and its publisher sends them again, not knowing.
  await log.applyRetention();
  expect(await log.append([batchOf("p", 1), batchOf("p", acknowledged.length)])).toEqual([
    { position: 1, isDuplicate: true },
    { position: acknowledged.length, isDuplicate: true },
  ]);
});

test("log folder - one of a newer version is refused, and left as it was", async () => {
  await (await openMessageLog(folder)).close();
  change("PRAGMA user_version = 77");
  const before = readFileSync(join(folder, "log.sqlite"));
  expect(await rejectionOf(openMessageLog(folder))).toMatchObject({
    code: "STORE_NEWER",
    message: `The message log in ${folder} was written by a newer agentrt (format 77, this one knows 2). Use that version, or another folder with --data.`,
    data: { folder, version: 77 },
  });
  expect(readFileSync(join(folder, "log.sqlite")).equals(before)).toBe(true);
});

test("log folder - the database of another program is refused", async () => {
  change("CREATE TABLE other (a); PRAGMA user_version = 1");
  expect((await rejectionOf(openMessageLog(folder))).code).toBe("STORE_DAMAGED");
  writeFileSync(
    join(folder, "log.sqlite"),
    "no database at all, but a text of some length".repeat(99),
  );
  expect((await rejectionOf(openMessageLog(folder))).code).toBe("STORE_DAMAGED");
});

test("log folder - a folder that cannot be made is refused", async () => {
  writeFileSync(join(folder, "file"), "");
  const error = await rejectionOf(openMessageLog(join(folder, "file", "data")));
  expect(error.code).toBe("STORE_UNUSABLE");
});

test("log folder - format 1 is migrated with all that is in it", async () => {
  cpSync(join(CORPUS, "log-1"), folder, { recursive: true });
  for (let round = 0; round < 2; round += 1) {
    await using log = await openMessageLog(folder);
    const { batches, damaged } = await log.read(everything());
    expect(damaged).toEqual([]);
    expect(batches).toHaveLength(20);
    expect(batches[0]).toMatchObject({
      position: 1,
      count: 3,
      producer: "odd",
      sequence: 10,
      topicType: "a.c",
      topicSource: "s1",
      publishedAtMs: 1_000,
    });
    expect(batches.map(textOf)).toEqual(
      Array.from({ length: 20 }, (_, i) => `${i % 2 === 0 ? "odd" : "even"}/${(i + 1) * 10}`),
    );
    expect(await log.listCursors()).toMatchObject([
      {
        name: "agent/type:b",
        state: {
          floor: 7,
          done: [[10, 12]],
          attempts: [{ position: 16, attempts: 2, losses: 0, nextAtMs: 5_000 }],
        },
      },
      { name: "other", state: { floor: 25 } },
    ]);
    // What came then is still recognised.
    expect(await log.append([batchOf("odd", 10, { count: 3 })])).toEqual([
      { position: 1, isDuplicate: true },
    ]);
    expect(await log.listTopics()).toEqual([]);
    expect(await log.check()).toMatchObject({ isSound: true, batches: 20, records: 60 });
  }
  const database = new Database(join(folder, "log.sqlite"));
  expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: 2 });
  database.close();
});

test("log folder - closed, the log is one file", async () => {
  const log = await openMessageLog(folder);
  await log.append([batchOf("p", 1)]);
  await log.close();
  expect(existsSync(join(folder, "log.sqlite-wal"))).toBe(false);
  expect(existsSync(join(folder, "log.sqlite-shm"))).toBe(false);
});
