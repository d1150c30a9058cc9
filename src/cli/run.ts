import { AgentrtError } from "../core/errors.ts";
import { BENCH_PART } from "./bench/part-name.ts";
import { BUILD } from "./build-info.ts";
import { candidatesFor } from "./candidates.ts";
import { checkSettings } from "./check-settings.ts";
import { commandHelp } from "./command-help.ts";
import { commandOf, isCommandName } from "./commands/commands.ts";
import { readCommandInput, refuseOptions } from "./commands/read-invocation.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { type Flags, readFlags } from "./flags.ts";
import { atFullSpeed } from "./full-speed.ts";
import { fullHelp, type HelpOptions, shortHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { type ResolvedSettings, resolveSettings } from "./resolve-settings.ts";
import { DEMO_ROLES, ROLES, type Role } from "./roles.ts";

/** What completion scripts call; no command for people. */
const COMPLETE = "complete";

/**
 * Runs what a command line asks for, until it ends.
 * @param args without the program's own name
 * @returns the exit code; whatever goes wrong was said on standard error
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    if (args[0] === COMPLETE && args[1] === "--") {
      await io.print(candidatesFor(args.slice(2), io.language));
      return EXIT.done;
    }
    if (args[0] === BENCH_PART) {
      const { runBenchPart } = await import("./bench/part.ts");
      atFullSpeed();
      return await runBenchPart(args.slice(1), io);
    }
    return await dispatch(readFlags(readable(args)), io);
  } catch (thrown) {
    const error = AgentrtError.from(thrown);
    await io.printError(
      `agentrt: ${oneLine(error.message)}${whereHelpIs(error)} [${error.code}]\n`,
    );
    return exitCodeOf(error.code);
  }
}

async function dispatch(flags: Flags, io: Io): Promise<number> {
  const help: HelpOptions = io;
  if (flags.wantsHelp || flags.command === "help") {
    const about = flags.command === "help" ? flags.operands[0] : flags.command;
    await io.print(isCommandName(about) ? commandHelp(about, help) : fullHelp(help));
    return EXIT.done;
  }
  if (flags.wantsVersion) {
    await io.print(`agentrt ${BUILD.version} (${BUILD.commit}, ${BUILD.target})\n`);
    return EXIT.done;
  }
  const settings = resolveSettings(flags.given, io.machine);
  if (isCommandName(flags.command)) {
    const input = readCommandInput(flags.command, flags.operands, flags.options, settings);
    const runCommand = await commandOf(flags.command).load();
    atFullSpeed();
    return await runCommand({ ...input, settings, io });
  }
  refuseOptions(flags.options);
  const roles = rolesOf(flags, settings);
  if (roles.length === 0) {
    await io.print(shortHelp(help));
    return EXIT.done;
  }
  checkSettings(settings, roles);
  // gRPC, Hono and the agents are loaded only when something runs: --version must be quick.
  const { runRoles } = await import("./run-roles.ts");
  return await runRoles({ roles, settings, io, isDemo: flags.command === "demo" });
}

/** Words that are no matter of ours, but the runner's, go through unread. */
function readable(args: readonly string[]): readonly string[] {
  const [name, ...words] = args;
  const takesAny = isCommandName(name) && commandOf(name).takesAnyWord === true;
  const wantsHelp = words.some((word) => word === "--help" || word === "-h");
  return takesAny ? (wantsHelp ? [name, "--help"] : [name, "--", ...words]) : args;
}

/** Empty when `agentrt` was called with nothing to do. */
function rolesOf(flags: Flags, settings: ResolvedSettings): readonly Role[] {
  const { role } = settings.values;
  if (flags.command === "demo") {
    if (settings.originOf("role").kind === "flag") {
      throw new AgentrtError(
        "INVALID_OPTION",
        "agentrt demo runs every role. Leave out --role, or leave out demo.",
      );
    }
    return DEMO_ROLES;
  }
  if (role.length === 0 && !flags.isEmpty) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `No role is given. Add --role with one or more of ${ROLES.join(", ")}, or run agentrt demo.`,
    );
  }
  return role;
}

function whereHelpIs(error: AgentrtError): string {
  return error.code === "UNKNOWN_OPTION" ? ' "agentrt --help" lists all.' : "";
}

/** What a user or a peer wrote may hold line breaks and worse. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
