import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/**
 * A house with one module in each room, wired as it should be; the wrong imports are built onto it.
 * What is checked is the rules that the repository itself is held to: the same file, the same script.
 */
const RIGHT: Readonly<Record<string, string>> = {
  "src/main.ts": `import "./cli/run.ts";`,
  "src/index.ts": `export { host } from "./host/host.ts";\nexport { guard } from "./security/guard.ts";`,
  "src/cli/run.ts": `
    import { host } from "../host/host.ts";
    import { status } from "../status/page.ts";
    export const run = [host, status, () => import("../../agents/device/index.ts")];`,
  "src/host/host.ts": `
    import type { ServerOptions } from "@grpc/grpc-js";
    import { codec } from "../wire/codec.ts";
    import { store } from "../store/store.ts";
    export const host: ServerOptions[] = [codec, store];`,
  "src/worker/worker.ts": `import { codec } from "../wire/codec.ts";\nexport const worker = codec;`,
  "src/status/page.ts": `import { guard } from "../security/guard.ts";\nexport const status = guard;`,
  "src/wire/codec.ts": `
    import { generated } from "./gen/message_pb.ts";
    import { envelope } from "../core/envelope.ts";
    export const codec = { generated, envelope };`,
  "src/wire/gen/message_pb.ts": `
    import { create } from "@bufbuild/protobuf";
    export const generated = create;`,
  "src/store/store.ts": `import { envelope } from "../core/envelope.ts";\nexport const store = envelope;`,
  "src/security/guard.ts": `import { envelope } from "../core/envelope.ts";\nexport const guard = envelope;`,
  "src/core/envelope.ts": `
    import type { StandardSchemaV1 } from "@standard-schema/spec";
    import type { Runtime } from "./runtime.ts";
    export const envelope: { schema?: StandardSchemaV1; runtime?: Runtime } = {};`,
  "src/core/runtime.ts": `
    import { envelope } from "./envelope.ts";
    export type Runtime = { envelope: typeof envelope };`,
  "agents/messages.ts": `import { host } from "agentrt";\nexport const messages = host;`,
  "agents/device/index.ts": `
    import { guard } from "agentrt";
    import { messages } from "../messages.ts";
    export const device = { guard, messages };`,
  "agents/ui/index.ts": `import { messages } from "../messages.ts";\nexport const ui = messages;`,
  "test/host/host.test.ts": `
    import { test } from "bun:test";
    import { host } from "../../src/host/host.ts";
    test("host", () => void host);`,
};

interface WrongImport {
  readonly rule: string;
  /** A new module, so that each wrong import stands alone. */
  readonly from: string;
  readonly to: string;
  /** How the violation names what was imported, where that is not a path of the house. */
  readonly named?: string;
  /** The import statement, where it is not `import "TO"`. */
  readonly statement?: string;
}

const WRONG: readonly WrongImport[] = [
  { rule: "main-to-cli-only", from: "src/main.ts", to: "./host/host.ts" },
  { rule: "not-to-main", from: "src/cli/wrong-a.ts", to: "../main.ts" },
  { rule: "cli-is-the-top", from: "src/host/wrong-a.ts", to: "../cli/run.ts" },
  { rule: "entry-is-for-others", from: "src/worker/wrong-a.ts", to: "../index.ts" },
  { rule: "entry-shows-no-page", from: "src/index.ts", to: "./status/page.ts" },
  { rule: "middle-rooms-downwards", from: "src/host/wrong-b.ts", to: "../worker/worker.ts" },
  { rule: "middle-rooms-downwards", from: "src/status/wrong-a.ts", to: "../host/host.ts" },
  { rule: "lower-rooms-downwards", from: "src/wire/wrong-a.ts", to: "../store/store.ts" },
  { rule: "lower-rooms-downwards", from: "src/security/wrong-a.ts", to: "../host/host.ts" },
  { rule: "core-is-pure", from: "src/core/wrong-a.ts", to: "../wire/codec.ts" },
  { rule: "core-is-pure", from: "src/core/wrong-b.ts", to: "hono" },
  { rule: "core-is-pure", from: "src/core/wrong-c.ts", to: "node:fs", named: "fs" },
  {
    rule: "core-is-pure",
    from: "src/core/wrong-d.ts",
    to: "../store/store.ts",
    statement: `import type { store } from "../store/store.ts"; export type S = typeof store;`,
  },
  { rule: "core-takes-only-types", from: "src/core/wrong-e.ts", to: "@standard-schema/spec" },
  {
    rule: "agents-through-the-entry",
    from: "agents/device/wrong-a.ts",
    to: "../../src/core/envelope.ts",
  },
  { rule: "agents-apart", from: "agents/device/wrong-b.ts", to: "../ui/index.ts" },
  { rule: "shared-messages-know-no-agent", from: "agents/wrong-a.ts", to: "./ui/index.ts" },
  { rule: "only-cli-starts-agents", from: "src/host/wrong-c.ts", to: "../../agents/ui/index.ts" },
  {
    rule: "generated-code-stays-in-wire",
    from: "src/host/wrong-d.ts",
    to: "../wire/gen/message_pb.ts",
  },
  { rule: "protobuf-stays-in-wire", from: "src/host/wrong-e.ts", to: "@bufbuild/protobuf" },
  { rule: "grpc-stays-below", from: "src/store/wrong-a.ts", to: "@grpc/grpc-js" },
  { rule: "grpc-stays-below", from: "agents/ui/wrong-a.ts", to: "@grpc/grpc-js" },
  {
    rule: "product-without-tests",
    from: "src/host/wrong-f.ts",
    to: "../../test/host/host.test.ts",
  },
  { rule: "product-without-dev-dependencies", from: "src/host/wrong-g.ts", to: "fast-check" },
  { rule: "declared-packages-only", from: "src/host/wrong-h.ts", to: "tapable" },
  {
    rule: "no-unresolvable",
    from: "src/host/wrong-i.ts",
    to: "./nowhere.ts",
    named: "./nowhere.ts",
  },
];

const repository = resolve(import.meta.dir, "../..");
const houses: string[] = [];
let wrongHouse = "";
let violations: readonly { rule: string; from: string; to: string }[] = [];

function build(files: Readonly<Record<string, string>>): string {
  const house = mkdtempSync(join(tmpdir(), "agentrt-structure-"));
  houses.push(house);
  for (const file of ["package.json", "tsconfig.json", ".dependency-cruiser.mjs"]) {
    cpSync(join(repository, file), join(house, file));
  }
  symlinkSync(join(repository, "node_modules"), join(house, "node_modules"));
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), source);
  }
  return house;
}

async function check(house: string): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([join(repository, "scripts/check-structure.sh"), house], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, output: stdout + stderr };
}

function violationsIn(output: string): { rule: string; from: string; to: string }[] {
  return [...output.matchAll(/^ {2}error ([\w-]+): (\S+)(?: → ?(\S*))?/gm)].map((match) => ({
    rule: match[1] ?? "",
    from: match[2] ?? "",
    to: match[3] ?? "",
  }));
}

beforeAll(async () => {
  const files: Record<string, string> = {
    ...RIGHT,
    "src/core/orphan.ts": "export const orphan = 1;",
    "src/telemetry/one.ts": `import { two } from "./two.ts";\nexport const one = two;`,
    "src/telemetry/two.ts": `import { one } from "./one.ts";\nexport const two = one;`,
  };
  for (const { from, to, statement } of WRONG) {
    files[from] = `${files[from] ?? ""}\n${statement ?? `import "${to}";`}\n`;
  }
  wrongHouse = build(files);
  violations = violationsIn((await check(wrongHouse)).output);
});

afterAll(() => {
  for (const house of houses) {
    rmSync(house, { recursive: true, force: true });
  }
});

test("structure - imports in the right direction pass", async () => {
  const { code, output } = await check(build(RIGHT));
  expect(violationsIn(output)).toEqual([]);
  expect(code).toBe(0);
});

test.each([...WRONG])("structure - $rule refuses $from -> $to", ({ rule, from, to, named }) => {
  const target = to.startsWith(".") ? join(dirname(from), to) : to;
  expect(violations).toContainEqual({
    rule,
    from,
    to: named ?? expect.stringContaining(target),
  });
});

test("structure - no-cycle refuses two modules that need each other", () => {
  expect(violations.filter(({ rule }) => rule === "no-cycle")).toContainEqual(
    expect.objectContaining({ from: "src/telemetry/one.ts" }),
  );
});

test("structure - no-orphan refuses a module that nobody uses", () => {
  expect(violations).toContainEqual({ rule: "no-orphan", from: "src/core/orphan.ts", to: "" });
});

test("structure - every rule is seen to refuse something", async () => {
  const config = await Bun.file(join(repository, ".dependency-cruiser.mjs")).text();
  const rules = [...config.matchAll(/^ {4}name: "([\w-]+)",$/gm)].map((match) => match[1]);
  expect(rules.length).toBeGreaterThan(0);
  expect([...new Set(violations.map(({ rule }) => rule))].sort()).toEqual(rules.sort() as string[]);
});

test("structure - one wrong import fails the check", async () => {
  const house = build({ ...RIGHT, "src/core/wrong.ts": `import "../wire/codec.ts";` });
  expect((await check(house)).code).not.toBe(0);
});

test("structure - a tool that reads no TypeScript fails the check", async () => {
  const house = build(RIGHT);
  writeFileSync(
    join(house, ".dependency-cruiser.mjs"),
    `export default { forbidden: [], options: { exclude: { path: "[.]ts$" } } };`,
  );
  const { code, output } = await check(house);
  expect(output).toContain("dependency-cruiser saw 0 modules");
  expect(code).toBe(1);
});
