import { homedir } from "node:os";
import type { Environment, Language } from "./language.ts";
import { languageOf } from "./language.ts";
import type { Machine } from "./setting.ts";
import { createStyler, isColorWanted, type Styler } from "./terminal.ts";

/** What the command line knows of the process that it runs in. */
export interface Io {
  readonly machine: Machine;
  readonly language: Language;
  readonly style: Styler;
  /** Columns to fill with a text. */
  readonly width: number;
  /** True when a person sees standard output as it comes. */
  readonly isTerminal: boolean;
  readonly isErrorTerminal: boolean;
  readonly hasErrorColors: boolean;
  /** Standard input, once. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Aborted when nobody reads standard output any more, as after `| head -1`. */
  readonly outputClosed: AbortSignal;
  /** Writes to standard output and resolves when it is out. */
  print(text: string): Promise<void>;
  /** The same for standard error. */
  printError(text: string): Promise<void>;
}

const DEFAULT_WIDTH = 80;
const MAX_WIDTH = 100;

export function processIo(): Io {
  const environment: Environment = process.env;
  const isTerminal = process.stdout.isTTY === true;
  const isErrorTerminal = process.stderr.isTTY === true;
  const outputClosed = new AbortController();
  // A reader that went away, as in `agentrt --help | head -1`, is no reason to fail.
  process.stderr.on("error", ignoreClosedPipe);
  process.stdout.on("error", (error) => {
    ignoreClosedPipe(error);
    outputClosed.abort();
  });
  return {
    machine: { platform: process.platform, environment, home: homedir() },
    language: languageOf(environment, process.platform === "win32" ? systemLocale() : ""),
    style: createStyler(isColorWanted(environment, isTerminal)),
    width: Math.min(process.stdout.columns || DEFAULT_WIDTH, MAX_WIDTH),
    isTerminal,
    isErrorTerminal,
    input: process.stdin,
    outputClosed: outputClosed.signal,
    hasErrorColors: isColorWanted(environment, isErrorTerminal),
    print: (text) => writeTo(process.stdout, text),
    printError: (text) => writeTo(process.stderr, text),
  };
}

function writeTo(stream: NodeJS.WriteStream, text: string): Promise<void> {
  // The callback comes with an error, too, when the reader is gone.
  return new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
}

function ignoreClosedPipe(error: Error): void {
  const code = "code" in error ? error.code : undefined;
  if (code !== "EPIPE" && code !== "ERR_STREAM_DESTROYED") {
    throw error;
  }
}

function systemLocale(): string {
  return Intl.DateTimeFormat().resolvedOptions().locale;
}
