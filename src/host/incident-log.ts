import { getLogger } from "@logtape/logtape";
import { shorten } from "../core/agent-id.ts";
import type { AgentrtError, ErrorCode } from "../core/errors.ts";
import type { ErrorReport } from "../core/host-report.ts";

const RECENT = 100;
/** Lines a second for one code, so that a flood of bad input does not become a flood of log. */
const LINES_PER_SECOND = 5;
const WINDOW_MS = 1_000;
/** Messages may repeat what a peer sent, and the recent ones are kept. */
const MAX_MESSAGE_LENGTH = 1_000;

/** The host's recent errors: kept for the status page, and logged with a limit for each code. */
export class IncidentLog {
  readonly #logger = getLogger(["agentrt", "host"]);
  readonly #recent: ErrorReport[] = [];
  readonly #lines = new Map<
    ErrorCode,
    { windowStartMs: number; count: number; suppressed: number }
  >();
  readonly #counts = new Map<ErrorCode, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @param where client id or address of the peer; empty for the host's own errors */
  record(error: AgentrtError, where: string): void {
    const nowMs = this.#now();
    this.#counts.set(error.code, this.countOf(error.code) + 1);
    const message = shorten(error.message, MAX_MESSAGE_LENGTH);
    this.#recent.unshift({
      at: new Date(nowMs).toISOString(),
      code: error.code,
      message,
      where,
    });
    this.#recent.length = Math.min(this.#recent.length, RECENT);
    const suppressed = this.#takeLine(error.code, nowMs);
    if (suppressed !== undefined) {
      this.#logger.warn("{message}", {
        message,
        code: error.code,
        where,
        ...(suppressed > 0 ? { suppressedBefore: suppressed } : {}),
      });
    }
  }

  /** How often an error was recorded since the start. */
  countOf(code: ErrorCode): number {
    return this.#counts.get(code) ?? 0;
  }

  /** Newest first. */
  get recent(): readonly ErrorReport[] {
    return [...this.#recent];
  }

  /** How many lines were left out before this one, or undefined when this one is left out too. */
  #takeLine(code: ErrorCode, nowMs: number): number | undefined {
    const line = this.#lines.get(code);
    if (line === undefined || nowMs - line.windowStartMs >= WINDOW_MS) {
      this.#lines.set(code, { windowStartMs: nowMs, count: 1, suppressed: 0 });
      return line?.suppressed ?? 0;
    }
    line.count += 1;
    if (line.count <= LINES_PER_SECOND) {
      return 0;
    }
    line.suppressed += 1;
    return undefined;
  }
}
