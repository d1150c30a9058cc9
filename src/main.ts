import { processIo } from "./cli/io.ts";
import { run } from "./cli/run.ts";

async function main(): Promise<void> {
  const code = await run(process.argv.slice(2), processIo());
  // Everything was stopped and written; a handle that a library forgot must not hold the process.
  process.exit(code);
}

void main();
