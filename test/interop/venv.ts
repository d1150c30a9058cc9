import { resolve } from "node:path";

const here = import.meta.dir;
/** One set-up for all that ask at the same time. */
let ready: Promise<string> | undefined;

/**
 * The interpreter of the virtual environment with AutoGen in it, which is made now when it is
 * missing or older than requirements.txt.
 * @throws Error with the installer's output
 */
export async function pythonWithAutogen(): Promise<string> {
  ready ??= setUp();
  return await ready;
}

async function setUp(): Promise<string> {
  const setup = Bun.spawn([resolve(here, "python/setup.sh")], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, exitCode] = await Promise.all([
    new Response(setup.stdout).text(),
    new Response(setup.stderr).text(),
    setup.exited,
  ]);
  if (exitCode !== 0) {
    throw new Error(`python/setup.sh ended with ${exitCode}.\n${output}${errors}`);
  }
  return resolve(here, "../../.venv/bin/python");
}
