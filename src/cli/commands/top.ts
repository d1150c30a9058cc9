import { AgentrtError } from "../../core/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { Lifecycle, OF_THIS_PROCESS } from "../lifecycle.ts";
import type { Invocation } from "./command.ts";
import { type ReportSource, reportSource } from "./host-report.ts";
import { printable } from "./printable.ts";
import { type Look, topLines } from "./top-view.ts";

const DEFAULT_EVERY_MS = 1_000;
/** Rows beyond what any screen shows. */
const LIMIT = 200;

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const CTRL_C = 3;
const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K\n";
const CLEAR_BELOW = "\u001b[J";

/** `agentrt top` */
export async function runTop(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  using source = reportSource(invocation);
  const first = await look(source);
  if (options.json === true) {
    await io.print(`${JSON.stringify(first.answer.report)}\n`);
    return EXIT.done;
  }
  if (!io.isTerminal) {
    const size = { columns: Number.POSITIVE_INFINITY, lines: Number.POSITIVE_INFINITY };
    await io.print(`${topLines(first, undefined, size, io).join("\n")}\n`);
    return EXIT.done;
  }
  await io.print(ENTER);
  try {
    await showLive(invocation, source, first);
  } finally {
    await io.print(LEAVE);
  }
  return EXIT.done;
}

async function showLive(
  { options, io }: Invocation,
  source: ReportSource,
  first: Look,
): Promise<void> {
  using lifecycle = new Lifecycle(OF_THIS_PROCESS);
  using _keys = onQuit(() => lifecycle.requestStop());
  const stop = AbortSignal.any([lifecycle.stopSignal, io.outputClosed]);
  const everyMs = options.every ?? DEFAULT_EVERY_MS;
  let before: Look | undefined;
  let now = first;
  let trouble = "";
  while (!stop.aborted) {
    const size = { columns: process.stdout.columns || 80, lines: process.stdout.rows || 24 };
    const lines = [...topLines(now, before, size, io), trouble].slice(0, size.lines - 1);
    await io.print(HOME + lines.map((line) => line + END_OF_LINE).join("") + CLEAR_BELOW);
    await pause(everyMs, stop);
    if (stop.aborted) {
      return;
    }
    try {
      const next = await look(source);
      before = now;
      now = next;
      trouble = "";
    } catch (thrown) {
      // A host that restarts comes back; until then the last picture stays.
      trouble = io.style.strong(printable(AgentrtError.from(thrown).message));
    }
  }
}

async function look(source: ReportSource): Promise<Look> {
  const answer = await source.ask({ limit: LIMIT });
  return { answer, atMs: performance.now() };
}

/** Calls `quit` for the key q, and for Ctrl-C, which is a key like any other while keys are read singly. */
function onQuit(quit: () => void): Disposable {
  const { stdin } = process;
  if (stdin.isTTY !== true) {
    return { [Symbol.dispose]: () => undefined };
  }
  const onData = (bytes: Buffer): void => {
    if (bytes.includes("q") || bytes.includes(CTRL_C)) {
      quit();
    }
  };
  stdin.setRawMode(true);
  stdin.on("data", onData);
  return {
    [Symbol.dispose]: () => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  stop.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
