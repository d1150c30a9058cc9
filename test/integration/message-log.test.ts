import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startProcess } from "../kit/process.ts";

const repository = resolve(import.meta.dir, "../..");

/** The real store, its thread's entry and the real build, round a program that appends and reads. */
let copy = "";

const MAIN = `
import { crc32 } from "node:zlib";
import { openMessageLog } from "./store/log/open-message-log.ts";

const log = await openMessageLog(process.argv[2]);
const records = new TextEncoder().encode("a record");
await log.append([
  {
    topicType: "t", topicSource: "s", route: new Uint8Array(), count: 1, records, checksum: crc32(records),
    encoding: 0, producer: "p", sequence: Date.now(), publishedAtMs: 0, expiresAtMs: undefined, deliverAtMs: undefined,
  },
]);
const { batches } = await log.read({ patterns: [{ kind: "type", text: "t" }], from: 1, maxBatches: 9, maxBytes: 999 });
console.log(batches.map((batch) => batch.position + ":" + new TextDecoder().decode(batch.records)).join(","));
await log.close();
`;

beforeAll(async () => {
  copy = await realpath(await mkdtemp(join(tmpdir(), "agentrt-log-build-")));
  const paths = ["scripts", "package.json", "bun.lock", "tsconfig.json"];
  for (const path of [...paths, "src/core", "src/store", "src/store-thread.ts"]) {
    cpSync(join(repository, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "agents"));
  writeFileSync(join(copy, "src/main.ts"), `import("./program.ts");\n`);
  writeFileSync(join(copy, "src/program.ts"), MAIN);
  writeFileSync(join(copy, "src/isolated-thread.ts"), "export const thread = 1;\n");
  writeFileSync(join(copy, "src/index.ts"), "export const api = 1;\n");
});

afterAll(async () => {
  await rm(copy, { recursive: true, force: true });
});

async function run(command: readonly string[], cwd: string): Promise<string> {
  await using child = startProcess(command, { cwd });
  const code = await child.waitForExit(60_000);
  expect({ code, err: child.stderr }).toEqual({ code: 0, err: "" });
  return child.stdout.trim();
}

test("message log - its thread is part of the compiled program", async () => {
  await run([join(copy, "scripts/build.sh")], tmpdir());
  const data = join(copy, "data");
  // Away from the sources, so that none of them can be taken for the program's own.
  const program = join(copy, "dist/agentrt");
  await rm(join(copy, "src"), { recursive: true });
  expect(await run([program, data], tmpdir())).toBe("1:a record");
  expect(await run([program, data], tmpdir())).toBe("1:a record,2:a record");
});
