import { resolve } from "node:path";
import type { Invocation } from "../commands/command.ts";
import { EXIT } from "../exit-codes.ts";
import { programName, quoted } from "../program-name.ts";
import { newProject } from "./new-project.ts";
import { runTests } from "./run-tests.ts";
import { TYPES_FILE, typesText, writeTypes } from "./write-types.ts";

/** `agentrt new NAME`. @throws AgentrtError `INVALID_OPTION`, `FILE_EXISTS` */
export async function runNew({ operands, options, io }: Invocation): Promise<number> {
  const [path = ""] = operands;
  const project = newProject(path);
  if (options.json === true) {
    await io.print(`${JSON.stringify(project)}\n`);
    return EXIT.done;
  }
  const { folder, type, files } = project;
  const program = programName();
  await io.print(
    [
      `${folder}: ${files.join(", ")}`,
      "",
      `  cd ${quoted(path)}`,
      `  ${program} test`,
      `  ${program} --role host,environment-agent,worker --agent ${type}.ts --interval 1s`,
      `  ${program} call ${type}/home --type GetMean   # in another terminal`,
      "",
    ].join("\n"),
  );
  return EXIT.done;
}

/** `agentrt test [FOLDER] …` */
export async function runTest({ operands }: Invocation): Promise<number> {
  return await runTests(operands);
}

/** `agentrt types [FILE]`. @throws AgentrtError `FILE_EXISTS` */
export async function runTypes({ operands, options, io }: Invocation): Promise<number> {
  const [file = TYPES_FILE] = operands;
  if (file === "-") {
    await io.print(typesText());
    return EXIT.done;
  }
  const path = resolve(file);
  writeTypes(path);
  await io.print(`${options.json === true ? JSON.stringify({ file: path }) : path}\n`);
  return EXIT.done;
}
