import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineMessage, GrpcWorkerAgentRuntime, TopicId } from "agentrt";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

const TIMEOUT_MS = 90_000;
const Reading = defineMessage("Reading", (value) => value as { n: number; pad: string });

test(
  "retention - a running host removes what is too many, too much or too old, and says so to who asks for it",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "agentrt-retention-"));
    await using host = startAgentrt([
      ...["--role=host", "--listen=127.0.0.1:0", "--http=off", `--data=${join(folder, "host")}`],
    ]);
    const { properties } = await host.waitForLog("host ready", TIMEOUT_MS);
    const hostAddress = String(properties["listen"]);
    const at = ["--host-address", hostAddress];
    const set = async (topic: string, ...limit: string[]): Promise<void> => {
      const args = ["topic", "set", topic, "--durable", ...limit, ...at];
      expect((await runAgentrt(args)).code).toBe(0);
    };
    const read = async (topic: string, from: string, count: number) => {
      const args = ["sub", topic, "--from", from, "--count", String(count), "--json", ...at];
      const { stdout, stderr } = await runAgentrt(args);
      const lines = stdout.trim().split("\n");
      const messages = lines.map((line) => JSON.parse(line) as { data: { n: number } });
      return { numbers: messages.map(({ data }) => data.n), stderr };
    };
    try {
      await set("count", "--retention-count=3");
      await set("size", "--retention-size=10KiB");
      await set("age");
      await set("kept");
      await using runtime = new GrpcWorkerAgentRuntime({ hostAddress });
      await runtime.start();
      const pad = "x".repeat(4_000);
      // One after the other, so that each is a batch of its own: whole batches are removed.
      for (let n = 1; n <= 6; n += 1) {
        for (const topic of ["count", "size", "age", "kept"]) {
          await runtime.publishMessage(Reading.of({ n, pad }), new TopicId(topic, "default"));
        }
      }
      await waitFor(async () => (await read("count", "1", 1)).numbers[0] === 4, {
        what: "the count to be kept",
        timeoutMs: TIMEOUT_MS,
      });
      const counted = await read("count", "1", 3);
      // Each number is stored four times, in the order of the topics.
      const gone = 3 * 4 - 3;
      expect(counted).toEqual({
        numbers: [4, 5, 6],
        stderr: `agentrt: messages at positions 1 to ${gone} are not kept any more: retention removed them\n`,
      });
      expect((await read("count", String(gone + 1), 1)).stderr).toBe("");
      expect((await read("count", "1h", 3)).stderr).toContain("are not kept any more");
      await waitFor(async () => (await read("size", "1", 1)).numbers[0] === 5, {
        what: "the size to be kept",
        timeoutMs: TIMEOUT_MS,
      });
      expect((await read("age", "1", 6)).numbers).toEqual([1, 2, 3, 4, 5, 6]);
      await set("age", "--retention-age=5s");
      let n = 6;
      await waitFor(
        async () => {
          // Something is there to be shown, whatever is gone.
          n += 1;
          await runtime.publishMessage(Reading.of({ n, pad }), new TopicId("age", "default"));
          return ((await read("age", "1", 1)).numbers[0] ?? 0) > 6;
        },
        { what: "what is too old to go", timeoutMs: TIMEOUT_MS },
      );
      expect(await read("kept", "1", 6)).toEqual({ numbers: [1, 2, 3, 4, 5, 6], stderr: "" });
      expect(host.isRunning).toBe(true);
    } finally {
      await host[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    }
  },
  TIMEOUT_MS,
);
