// Writes docs/configuration.md from the table of settings. With --check it writes nothing and
// fails when the file is not what it would write.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configurationPage } from "../src/cli/config-docs.ts";

const file = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));
const page = configurationPage();

if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== page) {
    console.error("docs/configuration.md is stale. Run: bun scripts/write-config-docs.ts");
    process.exit(1);
  }
} else {
  writeFileSync(file, page);
}
