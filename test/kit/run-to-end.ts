import { type ProcessOptions, startAgentrt, startProcess } from "./process.ts";

/** How a program ended, and all that it said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal's colours and a developer's language change what is printed. */
const PLAIN = { LANG: "C", LC_ALL: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };
const TIMEOUT_MS = 20_000;

/** Runs the compiled program until it ends by itself. */
export async function runAgentrt(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Outcome> {
  await using child = startAgentrt(args, { ...options, env: { ...PLAIN, ...options.env } });
  const code = await child.waitForExit(TIMEOUT_MS);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** Runs a line of a shell; `$1`, `$2`, … are the arguments. */
export async function runShell(
  shell: readonly string[],
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Outcome> {
  await using child = startProcess([...shell, ...args], {
    ...options,
    env: { ...PLAIN, ...options.env },
  });
  const code = await child.waitForExit(TIMEOUT_MS);
  return { code, stdout: child.stdout, stderr: child.stderr };
}
