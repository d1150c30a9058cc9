/** Data folders of each version, under the compiled program of today. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";
import { contentOfWorker } from "../store/corpus/folder-content.ts";

setDefaultTimeout(60_000);

const CORPUS = resolve(import.meta.dir, "../corpus/data");
const AGENTS = resolve(import.meta.dir, "../../scripts/corpus/reading-agents.ts");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-data-corpus-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe.each(readdirSync(CORPUS))("data folders of version %s", (version) => {
  test("today's host and worker go on where those of then stopped", async () => {
    cpSync(join(CORPUS, version), folder, { recursive: true });
    const { agents, host: then } = JSON.parse(readFileSync(join(folder, "content.jsonl"), "utf8"));
    await using host = startAgentrt([
      ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off"],
      ...["--data", join(folder, "host")],
    ]);
    const { properties } = await host.waitForLog("host ready");
    const at = ["--host-address", String(properties["listen"])];
    await using worker = startAgentrt([
      ...["--role", "worker", "--agent", AGENTS, "--data", join(folder, "worker"), ...at],
    ]);
    await worker.waitForLog("worker connected");
    const states = (): unknown[] =>
      contentOfWorker(join(folder, "worker"), agents).map(({ state }) => state);
    // 8 was never read, 9 is damaged, 13 fails for ever, and the others are not read again.
    const expected = [
      [1, 2, 3, 4, 5, 8],
      [6, 7],
    ];
    await waitFor(() => Bun.deepEquals(states(), expected), { what: "the order that is left" });
    const dead = await runAgentrt(["dead", "list", "--json", ...at]);
    expect(JSON.parse(dead.stdout)).toMatchObject([{ subscription: "strict", position: 8 }]);
    const topics = await runAgentrt(["topic", "list", "--json", ...at]);
    expect(JSON.parse(topics.stdout)).toHaveLength(then.topics.length);
    await worker.stop();
    await host.stop();
    expect(states()).toEqual(expected);
    const check = await runAgentrt(["data", "check", "--json", "--data", join(folder, "host")]);
    expect(JSON.parse(check.stdout)).toMatchObject({ structure: [], damaged: then.damaged });
  });
});
