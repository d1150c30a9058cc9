import { resolve } from "node:path";
import { shorten } from "../../core/agent-id.ts";
import { AgentrtError } from "../../core/errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { newProject } from "./new-project.ts";
import { runTests } from "./run-tests.ts";
import { TYPES_FILE, typesText, writeTypes } from "./write-types.ts";

export type ProjectCommand = "new" | "types" | "test";

/**
 * Runs a command for a project of the user's own.
 * @param words what follows the command's name
 * @returns the exit code
 * @throws AgentrtError `UNKNOWN_OPTION`, `INVALID_OPTION`, `FILE_EXISTS`
 */
export async function runProjectCommand(
  command: ProjectCommand,
  words: readonly string[],
  io: Io,
): Promise<number> {
  switch (command) {
    case "new":
      await makeProject(oneWord(command, words), io);
      return EXIT.done;
    case "types":
      await giveTypes(oneWord(command, words) ?? TYPES_FILE, io);
      return EXIT.done;
    case "test":
      return await runTests(words);
    default:
      return command satisfies never;
  }
}

async function makeProject(path: string | undefined, io: Io): Promise<void> {
  if (path === undefined) {
    throw new AgentrtError("INVALID_OPTION", "A project needs a name. Write agentrt new NAME.");
  }
  const { folder, type, files } = newProject(path);
  await io.print(
    [
      `${folder}: ${files.join(", ")}`,
      "",
      `  cd ${path}`,
      "  agentrt test",
      `  agentrt --role host,environment-agent,worker --agent ${type}.ts --interval 1s`,
      "",
    ].join("\n"),
  );
}

async function giveTypes(file: string, io: Io): Promise<void> {
  if (file === "-") {
    await io.print(typesText());
    return;
  }
  writeTypes(resolve(file));
  await io.print(`${resolve(file)}\n`);
}

function oneWord(command: ProjectCommand, words: readonly string[]): string | undefined {
  const stranger = words.find((word, index) => index > 0 || (word.startsWith("-") && word !== "-"));
  if (stranger !== undefined) {
    throw new AgentrtError(
      "UNKNOWN_OPTION",
      `"${shorten(stranger)}" is too much: agentrt ${command} takes ${command === "new" ? "a name" : "a file"} only.`,
      { data: { command } },
    );
  }
  return words[0];
}
