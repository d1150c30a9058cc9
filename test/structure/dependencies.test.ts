import { expect, test } from "bun:test";
import { resolve } from "node:path";
import * as v from "valibot";

const repository = resolve(import.meta.dir, "../..");

const Versions = v.record(v.string(), v.string());
const Manifest = v.object({ dependencies: Versions, devDependencies: Versions });
const Installed = v.object({ version: v.string(), license: v.string() });

interface Row {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

/** One version and no range; it may stand behind an alias such as `npm:typescript@7.0.2`. */
const EXACT = /^(?:npm:@?[\w./-]+@)?(\d+\.\d+\.\d+)$/;

async function manifest(): Promise<v.InferOutput<typeof Manifest>> {
  return v.parse(Manifest, await Bun.file(resolve(repository, "package.json")).json());
}

async function installed(names: readonly string[]): Promise<Row[]> {
  return await Promise.all(
    names.map(async (name) => {
      const file = Bun.file(resolve(repository, "node_modules", name, "package.json"));
      const { version, license } = v.parse(Installed, await file.json());
      return { name, version, licence: license };
    }),
  );
}

/** The rows of a table of docs/dependencies.md, by the heading above it. */
async function documented(heading: string): Promise<Row[]> {
  const page = await Bun.file(resolve(repository, "docs/dependencies.md")).text();
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return [...section.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|/gm)].map((cells) => ({
    name: cells[1] ?? "",
    version: cells[2] ?? "",
    licence: cells[3] ?? "",
  }));
}

test("dependencies - every version is exact", async () => {
  const { dependencies, devDependencies } = await manifest();
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !EXACT.test(version),
  );
  expect(loose).toEqual([]);
});

test("dependencies - the page lists what is in the program, with version and licence", async () => {
  const { dependencies } = await manifest();
  expect(await documented("In the program")).toEqual(await installed(Object.keys(dependencies)));
});

test("dependencies - the page lists what is for development, with version and licence", async () => {
  const { devDependencies } = await manifest();
  expect(await documented("For development")).toEqual(
    await installed(Object.keys(devDependencies)),
  );
});

test("dependencies - no licence is one that binds the program to more than its own", async () => {
  const { dependencies } = await manifest();
  const permissive = /^\(?(?:MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0)(?: (?:AND|OR) [\w.-]+)*\)?$/;
  const others = (await installed(Object.keys(dependencies))).filter(
    ({ licence }) => !permissive.test(licence),
  );
  expect(others).toEqual([]);
});
