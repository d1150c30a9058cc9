// Makes the API (src/index.ts) into files that stand alone.
//   bun scripts/write-package.ts embedded FOLDER   agentrt.js and agentrt.d.ts with everything inside,
//                                                  for the program to carry
//   bun scripts/write-package.ts package FOLDER    an npm package for Bun and Node.js
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { generateDtsBundle } from "dts-bundle-generator";
import manifest from "../package.json" with { type: "json" };

const root = resolve(import.meta.dir, "..");
const entry = join(root, "src/index.ts");
const [kind, folder] = process.argv.slice(2);
if ((kind !== "embedded" && kind !== "package") || folder === undefined) {
  console.error("Usage: bun scripts/write-package.ts embedded|package FOLDER");
  process.exit(2);
}
const out = resolve(folder);
mkdirSync(out, { recursive: true });
await (kind === "embedded" ? writeEmbedded() : writePackage());

async function writeEmbedded(): Promise<void> {
  write("agentrt.js", await bundle({ target: "bun", minify: { syntax: true, whitespace: true } }));
  write("agentrt.d.ts", declarations(["hono", "@standard-schema/spec", "@bufbuild/protobuf"]));
}

async function writePackage(): Promise<void> {
  const forBun = await bundle({ target: "bun", packages: "external" });
  const threadFor = (file: string): Promise<string> =>
    bundle({ target: "bun", packages: "external", entrypoints: [join(root, "src", file)] });
  const forThreads = await threadFor("isolated-thread.ts");
  const forStore = await threadFor("store-thread.ts");
  const forNode = await bundle({
    target: "node",
    packages: "external",
    entrypoints: [join(root, "scripts/package/node-entry.ts")],
    plugins: [
      {
        name: "no-bun-sqlite",
        setup(build) {
          build.onResolve({ filter: /^bun:sqlite$/ }, () => ({
            path: join(root, "scripts/package/no-bun-sqlite.ts"),
          }));
        },
      },
    ],
  });
  const types = declarations([]);
  write("bun.js", forBun);
  write("isolated-thread.js", forThreads);
  write("store-thread.js", forStore);
  write("node.js", forNode);
  write("index.d.ts", types);
  write(
    "package.json",
    `${JSON.stringify(packageManifest([forBun, forThreads, forStore, forNode, types]), null, 2)}\n`,
  );
  copyFileSync(join(root, "LICENSE"), join(out, "LICENSE"));
  copyFileSync(join(root, "docs/agents.md"), join(out, "README.md"));
}

function packageManifest(texts: readonly string[]): object {
  const { name, version, description, license, dependencies } = manifest;
  const used = Object.entries(dependencies).filter(([dependency]) =>
    texts.some((text) => new RegExp(`from ['"]${dependency}(?:/[^'"]*)?['"]`).test(text)),
  );
  return {
    name,
    version,
    description,
    license,
    type: "module",
    engines: { bun: manifest.engines.bun.replace(/^/, ">="), node: ">=20.3" },
    types: "./index.d.ts",
    exports: {
      ".": { types: "./index.d.ts", bun: "./bun.js", default: "./node.js" },
      "./package.json": "./package.json",
    },
    files: ["bun.js", "isolated-thread.js", "store-thread.js", "node.js", "index.d.ts"],
    dependencies: Object.fromEntries(used),
  };
}

async function bundle(options: Partial<Bun.BuildConfig>): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [entry], format: "esm", ...options });
  const [output] = outputs;
  if (output === undefined || outputs.length > 1) {
    throw new Error(`The API became ${outputs.length} files instead of one.`);
  }
  return await output.text();
}

function declarations(inlined: readonly string[]): string {
  const [text] = generateDtsBundle(
    [
      {
        filePath: entry,
        output: { noBanner: true, exportReferencedTypes: false },
        libraries: { inlinedLibraries: [...inlined] },
      },
    ],
    { preferredConfigPath: join(root, "tsconfig.json") },
  );
  return text ?? "";
}

function write(name: string, text: string): void {
  const file = join(out, name);
  rmSync(file, { force: true });
  writeFileSync(file, text);
  console.log(`${file} (${Math.ceil(readFileSync(file).length / 1024)} KiB)`);
}
