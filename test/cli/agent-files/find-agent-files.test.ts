import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findAgentFiles } from "../../../src/cli/agent-files/find-agent-files.ts";
import { AgentrtError } from "../../../src/core/errors.ts";

async function withFiles(
  names: readonly string[],
  use: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-files-"));
  try {
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), "");
    }
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("agent files - of a folder: scripts in it and the index files of folders in it", async () => {
  const names = [
    "b.ts",
    "a.js",
    "a.test.ts",
    "types.d.ts",
    "agentrt.d.ts",
    "notes.md",
    ".hidden.ts",
    "one/index.ts",
    "one/part.ts",
    "two/index.js",
    "three/part.ts",
    "node_modules/index.js",
  ];
  await withFiles(names, (folder) => {
    expect(findAgentFiles([folder])).toEqual(
      ["a.js", "b.ts", "one/index.ts", "two/index.js"].map((name) => join(folder, name)),
    );
  });
});

test("agent files - a file that is named twice comes once, in the order given", async () => {
  await withFiles(["a.ts", "b.ts"], (folder) => {
    const [a, b] = [join(folder, "a.ts"), join(folder, "b.ts")];
    expect(findAgentFiles([b, folder, a])).toEqual([b, a]);
  });
});

test.each([["missing.ts"], ["empty"]])("agent files - %s is refused", async (name) => {
  await withFiles(["empty/notes.md"], (folder) => {
    try {
      findAgentFiles([join(folder, name)]);
      expect.unreachable();
    } catch (error) {
      const { code, message } = AgentrtError.from(error);
      expect(code).toBe("INVALID_OPTION");
      expect(message).toContain(join(folder, name));
    }
  });
});
