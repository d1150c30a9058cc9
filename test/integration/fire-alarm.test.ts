import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";

setDefaultTimeout(120_000);

const QUEUED = 30_000;

/** Hangs in its first job until it is called, and shows the first few that it handles. */
const SLOW = `
import { defineAgent, defineMessage } from "agentrt";

const Job = defineMessage("Job", (value) => Object(value) as { what: string });
const Go = defineMessage("Go", () => ({}));
const { promise: going, resolve: go } = Promise.withResolvers<void>();
let handled = 0;

export const slow = defineAgent({
  type: "slow",
  description: "Slow",
  subscriptions: ["jobs"],
  setup(agent) {
    agent.handleEvent(Job, async ({ what }) => {
      handled += 1;
      if (handled < 4) {
        console.log(handled, what);
      }
      await going;
    });
  },
});

export const starter = defineAgent({
  type: "starter",
  description: "Lets the slow one go on",
  setup(agent) {
    agent.handleRpc(Go, () => go());
  },
});
`;

test("priority - a fire alarm behind a flood of normal messages, more than the mailbox takes, is handled next", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-alarm-"));
  try {
    await writeFile(join(folder, "slow.ts"), SLOW);
    const quiet = ["--data", join(folder, "data")];
    await using host = startAgentrt([
      ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", "none"],
    ]);
    const { properties } = await host.waitForLog("host ready");
    const at = ["--host-address", String(properties["listen"])];
    await using worker = startAgentrt([
      ...["--role", "worker", "--agent", join(folder, "slow.ts"), ...quiet, ...at],
    ]);
    await worker.waitForLog("worker connected", 20_000);
    const job = ["pub", "jobs", '{"what":"normal"}', "--type", "Job"];
    await using flood = startAgentrt([...job, "--count", String(QUEUED), ...at]);
    expect(await flood.waitForExit(90_000)).toBe(0);
    const alarm = ["pub", "jobs", '{"what":"fire"}', "--type", "Job", "--priority", "high"];
    expect((await runAgentrt([...alarm, ...at])).code).toBe(0);
    expect((await runAgentrt(["call", "starter/one", "--type", "Go", ...at])).code).toBe(0);
    await worker.waitForStdout("3 normal", 20_000);
    expect(worker.stdout.trim().split("\n")).toEqual(["1 normal", "2 fire", "3 normal"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
