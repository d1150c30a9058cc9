import { expect, test } from "bun:test";
import { resolve } from "node:path";

test("stopped runtimes - leave no timer, socket or listener that keeps the process alive", async () => {
  await using child = Bun.spawn(
    [process.execPath, resolve(import.meta.dir, "fixtures/leave-nothing.ts")],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [output, errors, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect([exitCode, output, errors]).toEqual([0, "all stopped\n", ""]);
});
