import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startProcess } from "../kit/process.ts";

const repository = resolve(import.meta.dir, "../..");

/** A repository of its own: the real scripts and build constants round a program of a few lines. */
let copy = "";

const MAIN = `
import { BUILD } from "./cli/build-info.ts";
import { readSettings } from "./settings.ts";

console.log(BUILD.version, BUILD.commit, BUILD.target, process.env.FROM_DOTENV);
if (process.argv[2] === "fail") {
  readSettings();
}
`;

const SETTINGS = `
interface Settings {
  readonly name: string;
}

export function readSettings(): Settings {
  throw new TypeError("no settings");
}
`;

beforeAll(async () => {
  copy = await realpath(await mkdtemp(join(tmpdir(), "agentrt-build-")));
  for (const path of ["scripts", "package.json", "bun.lock", "tsconfig.json", ".gitignore"]) {
    cpSync(join(repository, path), join(copy, path), { recursive: true });
  }
  mkdirSync(join(copy, "src/cli"), { recursive: true });
  mkdirSync(join(copy, "agents"));
  cpSync(join(repository, "src/cli/build-info.ts"), join(copy, "src/cli/build-info.ts"));
  writeFileSync(join(copy, "src/main.ts"), MAIN);
  writeFileSync(join(copy, "src/isolated-thread.ts"), "export const thread = 1;\n");
  writeFileSync(join(copy, "src/store-thread.ts"), "export const thread = 2;\n");
  writeFileSync(join(copy, "src/index.ts"), "export const api = 1;\n");
  writeFileSync(join(copy, "src/settings.ts"), SETTINGS);
});

afterAll(async () => {
  await rm(copy, { recursive: true, force: true });
});

async function run(
  command: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  await using child = startProcess(command, { cwd: copy });
  const code = await child.waitForExit(60_000);
  return { code, out: child.stdout, err: child.stderr };
}

async function build(): Promise<string> {
  // Called from elsewhere by its full path, as a person may.
  await using child = startProcess([join(copy, "scripts/build.sh")], { cwd: tmpdir() });
  expect({ code: await child.waitForExit(60_000), err: child.stderr }).toEqual({
    code: 0,
    err: "",
  });
  return child.stdout;
}

async function git(...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  const { code, out, err } = await run(["git", ...identity, ...args]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out.trim();
}

async function version(): Promise<readonly string[]> {
  const { out } = await run(["dist/agentrt"]);
  return out.trim().split(" ");
}

const target = `${process.platform}-${process.arch}`;

test("build - without git the commit is unknown, and nothing but the program is left", async () => {
  expect(await build()).toContain("dist/agentrt (");
  const { version: wanted } = (await Bun.file(join(repository, "package.json")).json()) as {
    version: string;
  };
  expect(await version()).toEqual([wanted, "unknown", target, "undefined"]);
  expect(readdirSync(join(copy, "dist")).sort()).toEqual([".fingerprint", "agentrt"]);
}, 120_000);

test("build - an unchanged program is not built again", async () => {
  expect(await build()).toBe("dist/agentrt is up to date.\n");
}, 120_000);

test("build - the program names its commit, and says when files differ from it", async () => {
  await git("init", "--quiet");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "all");
  const commit = await git("rev-parse", "--short=12", "HEAD");
  await build();
  expect((await version())[1]).toBe(commit);

  writeFileSync(join(copy, "agents/new.ts"), "export const added = 1;\n");
  await build();
  expect((await version())[1]).toBe(`${commit}-dirty`);
}, 120_000);

test("build - a stack trace names source files, lines and functions", async () => {
  await build();
  const { code, err } = await run(["dist/agentrt", "fail"]);
  expect(code).toBe(1);
  expect(err).toContain("TypeError: no settings");
  expect(err).toMatch(/at readSettings \(src\/settings\.ts:7:\d+\)/);
  expect(err).toMatch(/src\/main\.ts:7:\d+/);
}, 120_000);

test("build - a .env file where the program runs does not change it", async () => {
  await build();
  writeFileSync(join(copy, ".env"), "FROM_DOTENV=read\n");
  expect((await version())[3]).toBe("undefined");
}, 120_000);

test("build - a program that does not compile leaves no half one, and says why", async () => {
  writeFileSync(join(copy, "src/settings.ts"), `import "./nowhere.ts";\n${SETTINGS}`);
  const { code, err } = await run(["scripts/build.sh"]);
  expect(code).toBe(1);
  expect(err).toContain(`Could not resolve: "./nowhere.ts"`);
  expect(err).toContain("Could not compile dist/agentrt.");
  expect(existsSync(join(copy, "dist/.fingerprint"))).toBe(false);
  expect(readdirSync(join(copy, "dist"))).toEqual(["agentrt"]);
}, 120_000);
