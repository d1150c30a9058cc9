import { afterEach, expect, test } from "bun:test";
import { type AgentrtProcess, startProcess } from "./process.ts";

const RECORD = {
  level: "INFO",
  message: "host ready",
  logger: "agentrt.host",
  properties: { listen: "x:1" },
};

function startScript(source: string, env: Record<string, string | undefined> = {}): AgentrtProcess {
  return startProcess([process.execPath, "-e", source], { env });
}

afterEach(() => {
  delete process.env["AGENTRT_KIT_TEST"];
});

test("kit - a log record is found before and after it was awaited", async () => {
  await using child = startScript(`
    console.error(${JSON.stringify(JSON.stringify(RECORD))});
    console.error("{ not a record");
    setInterval(() => {}, 1000);
  `);
  expect(await child.waitForLog("host ready")).toEqual(RECORD);
  expect(await child.waitForLog((record) => record.properties["listen"] === "x:1")).toEqual(RECORD);
  expect(child.logs).toEqual([RECORD]);
});

test("kit - records from before can be passed over", async () => {
  await using child = startScript(`
    const say = (n) => console.error(JSON.stringify({ level: "INFO", message: "tick", properties: { n } }));
    process.on("SIGUSR2", () => say(2));
    say(1);
    setInterval(() => {}, 1000);
  `);
  await child.waitForLog("tick");
  const seen = child.logs.length;
  child.signal("SIGUSR2");
  expect((await child.waitForLog("tick", 5_000, seen)).properties).toEqual({ n: 2 });
});

test("kit - waiting ends with the output when the process ends first", async () => {
  await using child = startScript(`console.error("no such luck"); process.exit(3);`);
  const waiting = child.waitForLog("host ready");
  await expect(waiting).rejects.toThrow(
    /ended before log record "host ready" came[\s\S]*no such luck/,
  );
  expect(await child.exited).toBe(3);
});

test("kit - waiting ends when the time is over", async () => {
  await using child = startScript("setInterval(() => {}, 1000)");
  await expect(child.waitForStdout("never", 50)).rejects.toThrow(
    /Waited 50 ms for never on standard output/,
  );
});

test("kit - stop gives the exit code, and a signal's as a shell has it", async () => {
  await using polite = startScript(`
    process.on("SIGTERM", () => process.exit(0));
    console.log("up");
    setInterval(() => {}, 1000);
  `);
  await polite.waitForStdout("up");
  expect(await polite.stop()).toBe(0);

  await using plain = startScript(`console.log("up"); setInterval(() => {}, 1000);`);
  await plain.waitForStdout(/up/);
  expect(await plain.stop("SIGTERM")).toBe(143);
  expect(await plain.kill()).toBe(143);
});

test("kit - a process that will not stop is killed and reported", async () => {
  await using stubborn = startScript(`
    process.on("SIGTERM", () => {});
    console.log("up");
    setInterval(() => {}, 1000);
  `);
  await stubborn.waitForStdout("up");
  await expect(stubborn.stop("SIGTERM", 50)).rejects.toThrow(
    /Waited 50 ms for the end of a process/,
  );
  expect(await stubborn.exited).toBe(137);
});

test("kit - leaving the scope ends the process", async () => {
  let pid = 0;
  {
    await using child = startScript(`console.log("up"); setInterval(() => {}, 1000);`);
    await child.waitForStdout("up");
    pid = child.pid;
  }
  expect(() => process.kill(pid, 0)).toThrow();
});

test("kit - a developer's own settings stay out, a test's get in", async () => {
  process.env["AGENTRT_KIT_TEST"] = "mine";
  await using child = startScript(
    "console.log([process.env.AGENTRT_KIT_TEST, process.env.AGENTRT_NAME, process.env.HOME].join())",
    { AGENTRT_NAME: "kitchen", HOME: undefined },
  );
  expect(await child.exited).toBe(0);
  expect(child.stdout).toBe(",kitchen,\n");
});
