import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DurableTopics,
  durable,
  durablePattern,
} from "../../../src/host/durable/durable-topics.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-durable-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("durable topics", () => {
  test("durable topics - a host without a data folder refuses to declare any", async () => {
    expect(() => new DurableTopics(undefined, [durablePattern("orders")])).toThrow(
      expect.objectContaining({ code: "DURABLE_NEEDS_DATA" }),
    );
    const topics = new DurableTopics(undefined);
    await topics.open();
    expect(topics.declarationFor("orders")).toBeUndefined();
    await expect(topics.put(durable(durablePattern("orders")))).rejects.toMatchObject({
      code: "DURABLE_NEEDS_DATA",
    });
  });

  test("durable topics - an exact declaration goes before a prefix, and both survive a restart", async () => {
    await inFolder(async (folder) => {
      {
        await using log = await openMessageLog(folder);
        const topics = new DurableTopics(log, [durablePattern("orders.*")]);
        await topics.open();
        let changes = 0;
        topics.onChange(() => {
          changes += 1;
        });
        expect(topics.declarationFor("orders.new")?.pattern.text).toBe("orders.");
        expect(topics.declarationFor("orders")).toBeUndefined();
        await topics.put({ ...durable(durablePattern("orders.tmp")), isDurable: false });
        expect(topics.declarationFor("orders.tmp")).toBeUndefined();
        expect(changes).toBe(1);
      }
      await using log = await openMessageLog(folder);
      const topics = new DurableTopics(log);
      await topics.open();
      expect(topics.list()).toHaveLength(2);
      expect(topics.declarationFor("orders.new")).toBeDefined();
      expect(await topics.remove(durablePattern("orders.*"))).toBe(true);
      expect(topics.declarationFor("orders.new")).toBeUndefined();
    });
  });

  test("durable topics - a pattern has one star, at its end", () => {
    expect(durablePattern("a.*")).toEqual({ kind: "prefix", text: "a." });
    for (const text of ["", "a*b", "*a", "a**"]) {
      expect(() => durablePattern(text)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });
});
