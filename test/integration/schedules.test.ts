import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

const TIMEOUT_MS = 60_000;

class World implements AsyncDisposable {
  readonly #folder: string;
  readonly #address: string;
  host: AgentrtProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#address = `127.0.0.1:${port}`;
  }

  static async make(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), "agentrt-schedules-")), await freePort());
  }

  get at(): readonly string[] {
    return ["--host-address", this.#address];
  }

  async startHost(): Promise<void> {
    this.host = startAgentrt([
      ...["--role=host", `--listen=${this.#address}`, "--http=off"],
      ...[`--data=${join(this.#folder, "host")}`, "--durable-topics=orders"],
    ]);
    await this.host.waitForLog("host ready", TIMEOUT_MS);
  }

  async killHost(): Promise<void> {
    this.host?.signal("SIGKILL");
    await this.host?.exited;
  }

  async run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runAgentrt([...args, ...this.at]);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout;
  }

  /** What is stored, as JSON. */
  async stored(count: number): Promise<readonly { readonly id: string; readonly data: unknown }[]> {
    const text = await this.run("sub", "orders", "--from=1", `--count=${count}`, "--json");
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; data: unknown });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host?.[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The time that a scheduled message was due, in milliseconds since 1970. */
function dueOf({ id }: { readonly id: string }): number {
  expect(id).toMatch(/^schedule:1\/\d+$/);
  return Number(id.split("/")[1]);
}

test(
  "schedules - each time comes once over kill -9 of the host, and what was missed comes once in all",
  async () => {
    await using world = await World.make();
    await world.startHost();
    const set = ["schedule", "set", "tick", "orders", '{"n": 1}', "--type=Order", "--each=1s"];
    expect(await world.run(...set)).toMatch(/^tick comes first at 20\S+Z\n$/);
    await world.stored(2);
    await world.killHost();
    const killedAtMs = Date.now();
    // Three times pass while nobody is there.
    await waitFor(() => Date.now() > killedAtMs + 3_500, { what: "time to pass" });
    await world.startHost();
    const startedAtMs = Date.now();
    const due = (await world.stored(6)).map(dueOf);
    expect(due).toEqual([...new Set(due)].toSorted((a, b) => a - b));
    const missed = due.filter((dueAtMs) => dueAtMs > killedAtMs && dueAtMs < startedAtMs - 1_000);
    expect(missed).toHaveLength(1);
    // The clock of the schedule is that of when it was set.
    expect(new Set(due.map((dueAtMs) => dueAtMs % 1_000)).size).toBe(1);
    expect((await world.stored(1))[0]?.data).toEqual({ n: 1 });
  },
  TIMEOUT_MS,
);

test(
  "schedules - listed for people and programs, shown by sub as they come, and removed",
  async () => {
    await using world = await World.make();
    await world.startHost();
    expect(await world.run("schedule", "list")).toContain("Nothing is scheduled.");
    await using sub = startAgentrt(["sub", "orders/shop", "--json", "--count=1", ...world.at]);
    await world.run("schedule", "set", "hello", "orders/shop", "hi", "--each=1s");
    const yearly = ["--cron=0 0 1 1 *", "--time-zone=UTC", "--missed=skip"];
    await world.run("schedule", "set", "yearly", "orders", "happy", ...yearly);
    await sub.waitForExit(TIMEOUT_MS);
    expect(JSON.parse(sub.stdout)).toMatchObject({ topic: "orders/shop" });
    const rows: unknown = JSON.parse(await world.run("schedule", "list", "--json"));
    expect(rows).toEqual([
      {
        ...{ name: "hello", cron: null, timeZone: null, intervalMs: 1_000, missed: "once" },
        ...{ topic: "orders/shop", dataType: "Message", problem: null, next: expect.any(String) },
      },
      {
        ...{ name: "yearly", cron: "0 0 1 1 *", timeZone: "UTC", intervalMs: null, missed: "skip" },
        ...{ topic: "orders/default", dataType: "Message", problem: null },
        next: `${new Date().getUTCFullYear() + 1}-01-01T00:00:00.000Z`,
      },
    ]);
    expect(await world.run("schedule", "list")).toMatch(/^NAME +NEXT +TIMES +IF MISSED/);
    expect(await world.run("schedule", "remove", "hello")).toBe("hello comes no more\n");
    const again = await runAgentrt(["schedule", "remove", "hello", ...world.at]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("[NOT_STORED]")]);
  },
  TIMEOUT_MS,
);

test.each([
  ["needs a NAME", ["set"]],
  ["needs a NAME", ["set", "a", "orders"]],
  ["Say when", ["set", "a", "orders", "x"]],
  ["and not both", ["set", "a", "orders", "x", "--each=5s", "--cron=* * * * *"]],
  ["belongs to --cron", ["set", "a", "orders", "x", "--each=5s", "--time-zone=UTC"]],
  ["cannot be read", ["set", "a", "orders", "x", "--cron=99 * * * *"]],
  ["is no cron pattern", ["set", "a", "orders", "x", "--cron=soon"]],
  ["below the least", ["set", "a", "orders", "x", "--each=10ms"]],
  ["belongs to agentrt schedule set", ["list", "--each=5s"]],
  ["needs a NAME", ["remove"]],
])("schedules - what is written wrongly is told before a host is asked: %s", async (text, args) => {
  const { code, stderr } = await runAgentrt(["schedule", ...args]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
});
