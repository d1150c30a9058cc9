import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentId } from "../../src/core/agent-id.ts";
import { openSqliteStore } from "../../src/store/sqlite-store.ts";
import { thrownBy } from "../kit/thrown.ts";
import { describeStore, letter } from "./store-contract.ts";

const FILE = "agentrt.sqlite";
const id = new AgentId("agent", "key");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-store-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describeStore("SQLite store", () => openSqliteStore(folder));

function change(sql: string): void {
  const database = new Database(join(folder, FILE));
  database.run(sql);
  database.close();
}

test("SQLite store - everything is there when it is opened again", () => {
  {
    using store = openSqliteStore(folder);
    store.saveState(id, "1");
    store.saveState(id, "2");
    store.addDeadLetters([letter(1), letter(2)]);
  }
  using store = openSqliteStore(folder);
  expect(store.loadState(id)).toBe("2");
  expect(store.listDeadLetters(9)).toEqual([letter(2), letter(1)]);
});

test("SQLite store - it makes its folder, for its owner alone", () => {
  const inner = join(folder, "a", "b");
  using store = openSqliteStore(inner);
  store.saveState(id, "1");
  expect(existsSync(join(inner, FILE))).toBe(true);
  expect(statSync(inner).mode & 0o777).toBe(0o700);
});

test("SQLite store - two handles at once see each other's writes, and none is lost", () => {
  using first = openSqliteStore(folder);
  using second = openSqliteStore(folder);
  for (let number = 0; number < 50; number += 1) {
    const [writer, reader] = number % 2 === 0 ? [first, second] : [second, first];
    writer.saveState(id, String(number));
    writer.addDeadLetters([letter(number)]);
    expect(reader.loadState(id)).toBe(String(number));
  }
  expect(first.listDeadLetters(100)).toHaveLength(50);
  expect(second.listDeadLetters(100)).toEqual(first.listDeadLetters(100));
});

test("SQLite store - a folder of a newer version is refused, and left as it was", () => {
  openSqliteStore(folder)[Symbol.dispose]();
  change("PRAGMA user_version = 7");
  expect(thrownBy(() => openSqliteStore(folder))).toMatchObject({
    code: "STORE_UNUSABLE",
    message: `The data folder ${folder} was written by a newer agentrt (format 7, this one knows 1). Use that version, or another folder with --data.`,
    data: { folder, version: 7 },
  });
  const database = new Database(join(folder, FILE));
  expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: 7 });
  database.close();
});

test("SQLite store - a file that is no database is reported as damaged, and left as it was", () => {
  const path = join(folder, FILE);
  const noise = "not a database at all ".repeat(1_000);
  writeFileSync(path, noise);
  const error = thrownBy(() => openSqliteStore(folder));
  expect(error.code).toBe("STORE_DAMAGED");
  expect(error.message).toBe(
    `The data in ${path} cannot be read: file is not a database. Move the file away to start with an empty one.`,
  );
  expect(statSync(path).size).toBe(noise.length);
});

test("SQLite store - a page that was overwritten is reported as damaged", async () => {
  {
    using store = openSqliteStore(folder);
    for (let number = 0; number < 200; number += 1) {
      store.saveState(new AgentId("agent", String(number)), "x".repeat(1_000));
    }
  }
  const path = join(folder, FILE);
  const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
  bytes.fill(0xff, 4_096);
  writeFileSync(path, bytes);
  const use = (): void => {
    using store = openSqliteStore(folder);
    store.loadState(id);
  };
  expect(thrownBy(use).code).toBe("STORE_DAMAGED");
});

test("SQLite store - a dead letter that was changed by hand is reported as damaged", () => {
  using store = openSqliteStore(folder);
  store.addDeadLetters([letter(1)]);
  change("UPDATE dead_letters SET letter = '{'");
  expect(thrownBy(() => store.listDeadLetters(9)).code).toBe("STORE_DAMAGED");
});

test.each([
  [
    "a folder that is a file",
    (): string => {
      writeFileSync(join(folder, "file"), "");
      return join(folder, "file");
    },
  ],
  [
    "a folder below a file",
    (): string => {
      writeFileSync(join(folder, "file"), "");
      return join(folder, "file", "below");
    },
  ],
  ["a folder where nothing may be made", (): string => "/proc/agentrt"],
  ["a folder that exists but takes no files", (): string => "/proc/self"],
])("SQLite store - %s cannot be used, which is said with a way out", (_what, place) => {
  const path = place();
  const error = thrownBy(() => openSqliteStore(path));
  expect(error).toMatchObject({ code: "STORE_UNUSABLE", data: { folder: path } });
  expect(error.message).toStartWith(`The data folder ${path} cannot be used: `);
  expect(error.message).toEndWith(
    "Check that it exists and may be written, or choose another with --data DIR or --data none.",
  );
});

test("SQLite store - a full disk is said so, and what was stored stays", () => {
  // SQLite's own bound on the file's size fails as a disk without room does.
  const run = spyOn(Database.prototype, "run");
  using store = openSqliteStore(folder);
  const database = run.mock.contexts[0] as Database;
  run.mockRestore();
  store.saveState(id, "before");
  database.run("PRAGMA max_page_count = 1");
  const large = "x".repeat(1_000_000);
  expect(thrownBy(() => store.saveState(id, large))).toMatchObject({
    code: "STORE_FULL",
    retry: "after",
    message: `The data folder ${folder} has no room left. Free some space; nothing stored is lost.`,
  });
  const letters = Array.from({ length: 1_000 }, (_, number) => letter(number));
  expect(thrownBy(() => store.addDeadLetters(letters)).code).toBe("STORE_FULL");
  expect(store.loadState(id)).toBe("before");
  expect(store.listDeadLetters(9)).toEqual([]);
  database.run("PRAGMA max_page_count = 100000");
  store.saveState(id, "after");
  expect(store.loadState(id)).toBe("after");
});

test("SQLite store - a store that another process keeps locked is said so in the end", () => {
  using store = openSqliteStore(folder);
  const other = new Database(join(folder, FILE));
  const run = spyOn(Database.prototype, "run");
  using waiting = openSqliteStore(folder);
  (run.mock.contexts[0] as Database).run("PRAGMA busy_timeout = 20");
  run.mockRestore();
  other.run("BEGIN IMMEDIATE");
  expect(thrownBy(() => waiting.saveState(id, "1"))).toMatchObject({
    code: "STORE_UNUSABLE",
    message: expect.stringContaining("database is locked"),
  });
  other.run("ROLLBACK");
  other.close();
  waiting.saveState(id, "2");
  expect(store.loadState(id)).toBe("2");
});
