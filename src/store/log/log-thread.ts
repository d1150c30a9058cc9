import { AgentrtError } from "../../core/errors.ts";
import type { WriteCall, WriteCalls } from "./log-calls.ts";
import { sendError } from "./log-errors.ts";
import { LogFile } from "./log-file.ts";
import type { LogRead } from "./message-log.ts";
import { buffersOf, pack, unpack } from "./packed-batches.ts";
import type { FromLogThread, Outcome, SentRead, ToLogThread } from "./thread-messages.ts";

type Post = (message: FromLogThread, handOver?: ArrayBuffer[]) => void;

/** Errors of the disk: what failed as a group would fail one by one as well. */
const OF_DISK = new Set(["STORE_FULL", "STORE_READ_ONLY", "STORE_UNUSABLE", "STORE_LOCKED"]);

/** The thread's side: takes messages, answers each. */
export class LogThread {
  readonly #post: Post;
  #file: LogFile | undefined;

  constructor(post: Post) {
    this.#post = post;
  }

  async take(message: ToLogThread): Promise<void> {
    switch (message.kind) {
      case "open":
        this.#open(message);
        return;
      case "write":
        this.#write(message);
        return;
      case "ask":
        await this.#ask(message);
        return;
      case "close":
        this.#file?.[Symbol.dispose]();
        this.#file = undefined;
        this.#post({ kind: "closed" });
        return;
      default:
        message satisfies never;
    }
  }

  #open({ folder, options }: Extract<ToLogThread, { kind: "open" }>): void {
    try {
      this.#file = LogFile.open(folder, options, (range) => this.#post({ kind: "damaged", range }));
      this.#post({ kind: "opened", mending: this.#file.mending });
    } catch (error) {
      this.#post({ kind: "refused", error: sendError(error) });
    }
  }

  #write({ calls, batches: packed, nowMs }: Extract<ToLogThread, { kind: "write" }>): void {
    const file = this.#opened();
    file.nowMs = nowMs;
    const batches = unpack(packed);
    let used = 0;
    const steps = calls.map((call): Step => {
      const own = batches.slice(used, used + call.batches);
      used += call.batches;
      return {
        run: () => run(file.writes, call, own),
        recall: () => (call.method === "append" ? file.appendedBefore(own) : undefined),
      };
    });
    this.#post({ kind: "written", outcomes: runGroup(file, steps) });
  }

  async #ask(message: Extract<ToLogThread, { kind: "ask" }>): Promise<void> {
    const { id, method, input, nowMs } = message;
    const file = this.#opened();
    file.nowMs = nowMs;
    try {
      const call = file.asks[method] as (input: unknown) => unknown;
      const value = await file.ask(() => call(input));
      if (method === "read") {
        const { batches, ...rest } = value as LogRead;
        const packed = pack(batches);
        const sent: SentRead = { ...rest, packed };
        this.#post(
          { kind: "answered", id, outcome: { isOk: true, value: sent } },
          buffersOf(packed),
        );
        return;
      }
      this.#post({ kind: "answered", id, outcome: { isOk: true, value } });
    } catch (error) {
      this.#post({ kind: "answered", id, outcome: failed(error) });
    }
  }

  #opened(): LogFile {
    if (this.#file === undefined) {
      throw new AgentrtError("RUNTIME_STATE", "The message log is not open.");
    }
    return this.#file;
  }
}

function run(
  writes: WriteCalls,
  { method, input }: WriteCall,
  batches: ReturnType<typeof unpack>,
): unknown {
  const call = writes[method] as (input: unknown, batches: unknown) => unknown;
  return call(input, batches);
}

interface Step {
  readonly run: () => unknown;
  /** What it would give when it was done before, else undefined. */
  readonly recall: () => unknown;
}

/** All calls in one transaction; when one of them cannot be, each has its own, so that it harms no other. */
function runGroup(file: LogFile, steps: readonly Step[]): Outcome[] {
  try {
    return file.transaction(() => steps.map((step) => ({ isOk: true, value: step.run() })));
  } catch (error) {
    const sent = failed(error);
    if (OF_DISK.has(sent.error.code)) {
      return steps.map((step) => recalled(step) ?? sent);
    }
    if (steps.length === 1) {
      return [sent];
    }
  }
  return steps.map((step) => {
    try {
      return { isOk: true, value: file.transaction(step.run) };
    } catch (error) {
      return failed(error);
    }
  });
}

/**
 * A batch that comes again is stored, whatever the disk can do now: to say that it is refused would be wrong, since
 * it is delivered.
 */
function recalled({ recall }: Step): Outcome | undefined {
  try {
    const value = recall();
    return value === undefined ? undefined : { isOk: true, value };
  } catch {
    // It cannot be read either: what the disk said stands.
    return undefined;
  }
}

function failed(error: unknown): Extract<Outcome, { isOk: false }> {
  return { isOk: false, error: sendError(error) };
}
