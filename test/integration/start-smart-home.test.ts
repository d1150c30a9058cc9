import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type AgentrtProcess, startProcess } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

const SCRIPT = resolve(import.meta.dir, "../../scripts/start_smart_home.sh");
const ROLES = ["device-agent", "environment-agent", "host", "security-agent", "ui-agent"];

/** The script with ports, state and logs of its own. */
class ScriptedHome implements AsyncDisposable {
  readonly script: AgentrtProcess;
  readonly #folder: string;

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.script = startProcess([SCRIPT], {
      env: {
        AGENTRT_LISTEN: "127.0.0.1:0",
        AGENTRT_HTTP: "127.0.0.1:0",
        AGENTRT_UI: "127.0.0.1:0",
        SMART_HOME_LOGS: join(folder, "logs"),
        XDG_STATE_HOME: join(folder, "state"),
        ...env,
      },
    });
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<ScriptedHome> {
    return new ScriptedHome(await mkdtemp(join(tmpdir(), "agentrt-script-")), env);
  }

  async untilReady(): Promise<void> {
    await this.script.waitForStdout("Press Ctrl-C", 60_000);
  }

  /** Process ids of the roles that run, by role. Linux's /proc, because a small machine has no `ps`. */
  roles(): Map<string, number> {
    const roles = new Map<string, number>();
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const role = roleOf(Number(name), this.script.pid);
      if (role !== undefined) {
        roles.set(role, Number(name));
      }
    }
    return roles;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = this.roles();
    await this.script[Symbol.asyncDispose]();
    for (const pid of left.values()) {
      process.kill(pid, "SIGKILL");
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function roleOf(pid: number, parent: number): string | undefined {
  try {
    if (!readFileSync(`/proc/${pid}/status`, "utf8").includes(`PPid:\t${parent}\n`)) {
      return undefined;
    }
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    // The script's own short-lived children (sleep, grep) have no role.
    const flag = words.indexOf("--role");
    return flag < 0 ? undefined : words[flag + 1];
  } catch {
    // The process ended between the two looks.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pids: Iterable<number>): Promise<void> {
  const all = [...pids];
  await waitFor(() => !all.some(isAlive), { what: "the end of every role's process" });
}

test("start_smart_home - runs five processes, shows two pages, and Ctrl-C ends all of it", async () => {
  await using home = await ScriptedHome.start();
  await home.untilReady();
  const pids = home.roles();
  expect([...pids.keys()].sort()).toEqual(ROLES);

  const pages = home.script.stdout.match(/http:\/\/\S+/g) ?? [];
  expect(pages).toHaveLength(2);
  for (const page of pages) {
    expect((await fetch(page)).status).toBe(200);
  }

  expect(await home.script.stop("SIGINT", 30_000)).toBe(0);
  expect(home.script.stdout).toContain("Stopped.");
  expect(home.script.stderr).toBe("");
  await untilGone(pids.values());
}, 120_000);

test("start_smart_home - names the process that died, stops the rest and fails", async () => {
  await using home = await ScriptedHome.start();
  await home.untilReady();
  const pids = home.roles();
  process.kill(pids.get("device-agent") ?? Number.NaN, "SIGKILL");
  expect(await home.script.waitForExit(30_000)).toBe(1);
  expect(home.script.stderr).toContain("device-agent ended with code 137.");
  await untilGone(pids.values());
}, 120_000);

test("start_smart_home - a second signal does not wait for a process that hangs", async () => {
  await using home = await ScriptedHome.start();
  await home.untilReady();
  const pids = home.roles();
  process.kill(pids.get("security-agent") ?? Number.NaN, "SIGSTOP");
  home.script.signal("SIGTERM");
  await home.script.waitForStdout("Stopping");
  home.script.signal("SIGTERM");
  expect(await home.script.waitForExit(15_000)).toBe(0);
  await untilGone(pids.values());
}, 120_000);

test("start_smart_home - a setting that is wrong shows the program's own words", async () => {
  await using home = await ScriptedHome.start({ AGENTRT_HTTP: "nowhere" });
  expect(await home.script.waitForExit(60_000)).toBe(1);
  expect(home.script.stderr).toContain("host ended with code 2.");
  expect(home.script.stderr).toContain("AGENTRT_HTTP");
}, 120_000);
