import { SQLiteError } from "bun:sqlite";
import { AgentrtError, type ErrorCode, messageOf } from "../../core/errors.ts";
import { diskProblem } from "./disk-problem.ts";

/** An error on its way between two threads, where a class does not survive. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data: Readonly<Record<string, string | number | boolean>>;
}

export function sendError(thrown: unknown): SentError {
  const { code, message, data } = AgentrtError.from(thrown);
  return { code, message, data };
}

export function receiveError({ code, message, data }: SentError): AgentrtError {
  return new AgentrtError(code, message, { data });
}

/** Runs a step on the log of a folder, and turns what the system throws into an error that says what to do. */
export function guard<R>(folder: string, step: () => R): R {
  try {
    return step();
  } catch (error) {
    throw error instanceof AgentrtError ? error : translate(folder, error);
  }
}

/** True for what SQLite or the file system throws, as against a defect. */
export function isOfSystem(error: unknown): boolean {
  return error instanceof SQLiteError || systemCodeOf(error) !== "";
}

/** True when a part of the file cannot be read, and other parts may well be. */
export function isDamage(error: unknown): boolean {
  if (error instanceof AgentrtError) {
    return error.code === "STORE_DAMAGED";
  }
  const code = systemCodeOf(error);
  // A read that the disk itself refuses is damage of these sectors, too.
  return (
    code.startsWith("SQLITE_CORRUPT") ||
    code === "SQLITE_NOTADB" ||
    code === "SQLITE_IOERR_READ" ||
    code === "SQLITE_IOERR_SHORT_READ" ||
    code === "SQLITE_IOERR_CORRUPTFS"
  );
}

/** True when a transaction failed with this, and may have been written to its end all the same. */
export function mayBeWritten(error: unknown): boolean {
  return systemCodeOf(error).startsWith("SQLITE_IOERR") && !isDamage(error);
}

const FULL = new Set(["SQLITE_FULL", "ENOSPC", "EDQUOT"]);
const READ_ONLY = new Set(["EROFS", "EACCES", "EPERM"]);

function translate(folder: string, error: unknown): AgentrtError {
  const said = systemCodeOf(error);
  if (said === "") {
    // Not the system's: a defect.
    return AgentrtError.from(error);
  }
  // SQLite says only that writing failed.
  const code = (mayBeWritten(error) ? diskProblem(folder) : undefined) ?? said;
  const options = { cause: error, data: { folder } };
  if (FULL.has(code)) {
    return new AgentrtError(
      "STORE_FULL",
      `The message log in ${folder} has no room left, so nothing of this was stored. Free some space; it goes on by itself, and nothing stored is lost.`,
      options,
    );
  }
  if (code === "SQLITE_BUSY" || code === "SQLITE_LOCKED") {
    return new AgentrtError(
      "STORE_LOCKED",
      `Another running host uses the message log in ${folder}. Stop that one, or give this one another folder with --data.`,
      options,
    );
  }
  if (code.startsWith("SQLITE_READONLY") || READ_ONLY.has(code)) {
    return new AgentrtError(
      "STORE_READ_ONLY",
      `The message log in ${folder} may not be written: ${messageOf(error)}. Let this user write there; it goes on by itself.`,
      options,
    );
  }
  if (isDamage(error)) {
    return new AgentrtError(
      "STORE_DAMAGED",
      `The message log in ${folder} cannot be read: ${messageOf(error)}. "agentrt data check" says how much of it is lost.`,
      options,
    );
  }
  return new AgentrtError(
    "STORE_UNUSABLE",
    `The message log in ${folder} cannot be used: ${messageOf(error)}. Check that the folder exists and its disk works.`,
    options,
  );
}

function systemCodeOf(error: unknown): string {
  if (error instanceof SQLiteError) {
    return error.code ?? "";
  }
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
