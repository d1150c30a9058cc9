import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const TIMEOUT_MS = 120_000;
const repository = resolve(import.meta.dir, "../..");

let folder = "";
let pack: Result = { code: -1, output: "" };

interface Result {
  readonly code: number;
  readonly output: string;
}

async function run(command: readonly string[], cwd: string): Promise<Result> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, AGENTRT_TEST_FOLDER: join(folder, "data") },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, output: `${stdout}${stderr}` };
}

/** One project with the package installed from its tarball, as a user would. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentrt-package-"));
  pack = await run([join(repository, "scripts/pack.sh"), folder], repository);
  const tarball = /agentrt-[\d.]+\.tgz$/m.exec(pack.output)?.[0] ?? "";
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  await copyFile(join(import.meta.dir, "suite.mjs"), join(folder, "api.test.mjs"));
  await copyFile(join(import.meta.dir, "isolated.mjs"), join(folder, "isolated.mjs"));
  const install = await run(["npm", "install", "--no-audit", "--no-fund", `./${tarball}`], folder);
  expect(install).toMatchObject({ code: 0 });
}, TIMEOUT_MS);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("package - the tarball holds the code for both, declarations, licence and a page", async () => {
  const list = await run(["tar", "-tzf", pack.output.trim().split("\n").at(-1) ?? ""], folder);
  expect(list.output.trim().split("\n").sort()).toEqual([
    "package/LICENSE",
    "package/README.md",
    "package/bun.js",
    "package/index.d.ts",
    "package/isolated-thread.js",
    "package/node.js",
    "package/package.json",
    "package/store-thread.js",
  ]);
});

test(
  "package - the shared tests pass under Node.js",
  async () => {
    const { code, output } = await run(["node", "--test", "api.test.mjs"], folder);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/pass 4\b/) });
  },
  TIMEOUT_MS,
);

test(
  "package - the shared tests pass under Bun",
  async () => {
    const { code, output } = await run([process.execPath, "test", "./api.test.mjs"], folder);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/ 5 pass\n/) });
  },
  TIMEOUT_MS,
);

test(
  "package - its declarations serve a project with strict types",
  async () => {
    const compile = async (source: string): Promise<Result> => {
      await writeFile(join(folder, "use.ts"), source);
      const flags = ["--strict", "--module", "nodenext", "--target", "esnext", "--types", ""];
      const tsc = join(repository, "node_modules/.bin/tsc");
      return await run([tsc, "--noEmit", "--skipLibCheck", ...flags, "use.ts"], folder);
    };
    const good = `import { defineAgent, type DefinedAgent } from "agentrt";
export const a: DefinedAgent = defineAgent({ type: "a", description: "", setup: () => undefined });
`;
    expect(await compile(good)).toEqual({ code: 0, output: "" });
    const wrong = await compile(good.replace('type: "a"', "type: 1"));
    expect(wrong.output).toContain("Type 'number' is not assignable to type 'string'");
  },
  TIMEOUT_MS,
);
