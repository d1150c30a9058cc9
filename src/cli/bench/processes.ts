import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { AgentrtError } from "../../core/errors.ts";
import { BUILD } from "../build-info.ts";
import { BENCH_PART } from "./part-name.ts";

const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 5_000;

/** Another process of this program, which ends with this one. */
export interface PartProcess extends AsyncDisposable {
  readonly address: string;
}

/**
 * Starts a part and waits until it is ready.
 * @throws AgentrtError `RUNTIME_STATE` when it is not; `CANCELLED` by the signal
 */
export async function startPart(
  words: readonly string[],
  signal: AbortSignal,
): Promise<PartProcess> {
  // A compiled program is itself; from sources Bun runs it.
  const self =
    BUILD.commit === "source" ? [process.execPath, Bun.main] : ([process.execPath] as const);
  const child = Bun.spawn([...self, BENCH_PART, ...words], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const end = async (): Promise<void> => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    await child.exited;
    clearTimeout(timer);
  };
  const errors = new Response(child.stderr).text();
  const timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
  const onAbort = (): void => child.kill("SIGKILL");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const line of createInterface({ input: Readable.fromWeb(child.stdout) })) {
      const { address } = JSON.parse(line) as { readonly address: string };
      return { address, [Symbol.asyncDispose]: end };
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
  if (signal.aborted) {
    throw new AgentrtError("CANCELLED", "The benchmark was stopped.");
  }
  const said = (await errors).trim();
  throw new AgentrtError(
    "RUNTIME_STATE",
    `A process of the benchmark (${words[0]}) did not start: ${said === "" ? "it said nothing" : said}`,
  );
}
