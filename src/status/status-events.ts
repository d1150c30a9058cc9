import { getLogger } from "@logtape/logtape";
import type { SSEStreamingApi } from "hono/streaming";
import { messageOf } from "../core/errors.ts";
import type { HostReport } from "../core/host-report.ts";
import type { PageErrorBody } from "../security/page-error.ts";
import type { StatusOptions } from "./status-options.ts";
import { type ViewQuery, viewOf } from "./status-view.ts";

const log = getLogger(["agentrt", "status"]);

/** How long a browser waits before it dials again, in milliseconds. */
const RETRY_MS = 2_000;

interface Viewer {
  readonly query: ViewQuery;
  readonly stream: SSEStreamingApi;
  /** True until the last event left; a viewer that reads slowly skips reports and grows no queue. */
  isWriting: boolean;
}

interface LiveEvent {
  readonly event: "report" | "problem";
  readonly data: string;
}

/**
 * Pushes a report to every viewer at each interval. It asks the host only while somebody looks:
 * the timer starts with the first viewer and ends with the last.
 *
 * Events: `report` with a StatusView, or `problem` with a PageErrorBody while no report can be had.
 */
export class StatusEvents {
  readonly #source: () => HostReport;
  readonly #options: StatusOptions;
  readonly #viewers = new Set<Viewer>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isFailing = false;

  constructor(source: () => HostReport, options: StatusOptions) {
    this.#source = source;
    this.#options = options;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  get isFull(): boolean {
    return this.#viewers.size >= this.#options.maxViewers;
  }

  /** Serves one viewer; resolves when it left, or when `stopping` is aborted. */
  async serve(
    stream: SSEStreamingApi,
    query: ViewQuery,
    stopping: AbortSignal | undefined,
  ): Promise<void> {
    const gone = Promise.withResolvers<void>();
    const viewer: Viewer = { query, stream, isWriting: false };
    stream.onAbort(gone.resolve);
    stopping?.addEventListener("abort", () => gone.resolve(), { once: true });
    if (stopping?.aborted === true) {
      return;
    }
    this.#viewers.add(viewer);
    this.#timer ??= setInterval(() => this.#tick(), this.#options.intervalMs);
    this.#send([viewer]);
    try {
      await gone.promise;
    } finally {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    }
  }

  #tick(): void {
    this.#send([...this.#viewers].filter((viewer) => !viewer.isWriting));
  }

  #send(viewers: readonly Viewer[]): void {
    for (const [viewer, event] of this.#render(viewers)) {
      viewer.isWriting = true;
      viewer.stream
        .writeSSE({ ...event, retry: RETRY_MS })
        .catch((error: unknown) => log.debug("viewer lost", { error: messageOf(error) }))
        .finally(() => {
          viewer.isWriting = false;
        });
    }
  }

  /** One report for all viewers, and one rendering for those who ask the same. */
  #render(viewers: readonly Viewer[]): ReadonlyMap<Viewer, LiveEvent> {
    const events = new Map<Viewer, LiveEvent>();
    if (viewers.length === 0) {
      return events;
    }
    try {
      const report = this.#source();
      const rendered = new Map<string, LiveEvent>();
      for (const viewer of viewers) {
        const key = JSON.stringify(viewer.query);
        const event = rendered.get(key) ?? {
          event: "report",
          data: JSON.stringify(viewOf(report, viewer.query)),
        };
        rendered.set(key, event);
        events.set(viewer, event);
      }
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) {
        log.error("no report of the host", { error: messageOf(error) });
      }
      this.#isFailing = true;
      const body: PageErrorBody = {
        error: { code: "INTERNAL", message: "The host cannot report. Its log says why." },
      };
      for (const viewer of viewers) {
        events.set(viewer, { event: "problem", data: JSON.stringify(body) });
      }
    }
    return events;
  }
}
