// Writes docs/configuration.md and docs/cli.md from the tables of settings and commands. With
// --check it writes nothing and fails when a file is not what it would write.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { commandsPage } from "../src/cli/cli-docs.ts";
import { configurationPage } from "../src/cli/config-docs.ts";

const pages = [
  ["configuration.md", configurationPage()],
  ["cli.md", commandsPage()],
] as const;

for (const [name, page] of pages) {
  const file = fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  if (!process.argv.includes("--check")) {
    writeFileSync(file, page);
  } else if (readFileSync(file, "utf8") !== page) {
    console.error(`docs/${name} is stale. Run: bun scripts/write-config-docs.ts`);
    process.exitCode = 1;
  }
}
