/** Records what today's workers and hosts say to each other, as the next version of the corpus. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startAgentrt } from "../../test/kit/process.ts";
import { RecordingProxy } from "../../test/kit/recording-proxy.ts";
import { runAgentrt } from "../../test/kit/run-to-end.ts";
import { described } from "../../test/wire/corpus/described.ts";
import { converse, conversePython } from "./conversation.ts";
import type { CorpusMessage } from "./corpus-message.ts";
import { madeMessages } from "./made-messages.ts";

/** A line of the corpus: a message, and what it says. */
function lineOf(message: CorpusMessage, names: Readonly<Record<string, unknown>>): string {
  const { method, from, bytes } = message;
  const hex = Buffer.from(bytes).toString("hex");
  const decoded = described(method, from, bytes);
  return `${JSON.stringify({ ...names, method, from, hex, decoded })}\n`;
}

async function recorded(): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), "agentrt-corpus-"));
  const flags = ["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", data];
  let lines = "";
  let calls = 0;
  const conversations = [
    (address: string, end: () => Promise<void>) => converse(address, "agentrt", end),
    (address: string, end: () => Promise<void>) => converse(address, "autogen", end),
    (address: string) => conversePython(address),
  ];
  try {
    for (const speak of conversations) {
      await using host = startAgentrt([
        ...flags,
        "--durable-topics",
        "orders",
        "--max-routes",
        "8",
      ]);
      const ready = await host.waitForLog("host ready");
      using proxy = await RecordingProxy.start(String(ready.properties["listen"]));
      await speak(proxy.address, async () => {
        host.signal("SIGTERM");
        await host.exited;
      });
      for (const { method, clientId, messages } of proxy.calls) {
        calls += 1;
        for (const message of messages) {
          lines += lineOf({ method, ...message }, { call: calls, client: clientId });
        }
      }
    }
  } finally {
    await rm(data, { recursive: true });
  }
  return lines;
}

/** Writes a new folder beside the older ones. @returns its path */
export async function recordFrames(corpus: string): Promise<string> {
  const frames = resolve(corpus, "frames");
  await mkdir(frames, { recursive: true });
  const versions = (await readdir(frames)).map(Number);
  const folder = join(frames, String(Math.max(0, ...versions) + 1));
  const made = madeMessages()
    .map((message) => lineOf(message, { what: message.what }))
    .join("");
  const conversations = await recorded();
  const { stdout } = await runAgentrt(["--version"]);
  await mkdir(folder);
  await Bun.write(join(folder, "recorded.jsonl"), conversations);
  await Bun.write(join(folder, "made.jsonl"), made);
  await Bun.write(join(folder, "program.txt"), stdout);
  return folder;
}
