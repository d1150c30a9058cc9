import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { SSEMessage, SSEStreamingApi } from "hono/streaming";
import type { HostReport } from "../../src/core/host-report.ts";
import { StatusEvents } from "../../src/status/status-events.ts";
import { resolveStatusOptions } from "../../src/status/status-options.ts";
import { startStatusPage } from "../../src/status/status-page.ts";
import type { StatusView, ViewQuery } from "../../src/status/status-view.ts";
import { hostReport, subscriptionReports, workerReport } from "./report.ts";

const EVERYTHING: ViewQuery = { filter: "", limit: 100, isBrief: true };

/** A viewer in place of a browser: keeps what it was sent, and can stop reading. */
class FakeViewer {
  readonly messages: SSEMessage[] = [];
  isFrozen = false;
  leave: () => void = () => {};

  get stream(): SSEStreamingApi {
    const stream: Pick<SSEStreamingApi, "writeSSE" | "onAbort"> = {
      writeSSE: (message) => {
        this.messages.push(message);
        return this.isFrozen ? new Promise(() => {}) : Promise.resolve();
      },
      onAbort: (listener) => {
        this.leave = () => void listener();
      },
    };
    return stream as SSEStreamingApi;
  }

  get last(): { readonly event: string | undefined; readonly data: unknown } {
    const message = this.messages.at(-1);
    return { event: message?.event, data: JSON.parse(String(message?.data)) };
  }
}

/** Lets promises settle, then moves the clock, interval by interval. */
async function pass(intervals: number): Promise<void> {
  for (let interval = 0; interval < intervals; interval += 1) {
    for (let turn = 0; turn < 5; turn += 1) {
      await Promise.resolve();
    }
    jest.advanceTimersByTime(1_000);
  }
}

function countingSource(report = hostReport()): { source: () => HostReport; calls: () => number } {
  let calls = 0;
  return {
    source: () => {
      calls += 1;
      return report;
    },
    calls: () => calls,
  };
}

describe("status events", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("status events - the first report comes at once, then one at each interval", async () => {
    const events = new StatusEvents(hostReport, resolveStatusOptions());
    const viewer = new FakeViewer();
    const served = events.serve(viewer.stream, EVERYTHING, undefined);
    expect(viewer.messages).toHaveLength(1);
    expect(viewer.last).toMatchObject({ event: "report", data: { version: "9.8.7" } });
    await pass(3);
    expect(viewer.messages).toHaveLength(4);
    viewer.leave();
    await served;
  });

  test("status events - the host is asked only while somebody looks", async () => {
    const { source, calls } = countingSource();
    const events = new StatusEvents(source, resolveStatusOptions());
    await pass(5);
    expect(calls()).toBe(0);
    const viewer = new FakeViewer();
    const served = events.serve(viewer.stream, EVERYTHING, undefined);
    await pass(2);
    expect(calls()).toBe(3);
    viewer.leave();
    await served;
    expect(events.viewers).toBe(0);
    await pass(5);
    expect(calls()).toBe(3);
    const again = new FakeViewer();
    const servedAgain = events.serve(again.stream, EVERYTHING, undefined);
    await pass(1);
    expect(calls()).toBe(5);
    again.leave();
    await servedAgain;
  });

  test("status events - many viewers cost one report an interval, each with its own filter", async () => {
    const { source, calls } = countingSource();
    const events = new StatusEvents(source, resolveStatusOptions());
    const plain = new FakeViewer();
    const filtered = new FakeViewer();
    const served = [
      events.serve(plain.stream, EVERYTHING, undefined),
      events.serve(filtered.stream, { ...EVERYTHING, filter: "nothing" }, undefined),
    ];
    expect(calls()).toBe(2);
    await pass(1);
    expect(calls()).toBe(3);
    expect((plain.last.data as StatusView).workers).toHaveLength(1);
    expect((filtered.last.data as StatusView).workers).toHaveLength(0);
    plain.leave();
    filtered.leave();
    await Promise.all(served);
  });

  test("status events - a viewer that does not read gets no queue, and the others go on", async () => {
    const { source, calls } = countingSource();
    const events = new StatusEvents(source, resolveStatusOptions());
    const frozen = new FakeViewer();
    frozen.isFrozen = true;
    const quick = new FakeViewer();
    const served = [
      events.serve(frozen.stream, EVERYTHING, undefined),
      events.serve(quick.stream, EVERYTHING, undefined),
    ];
    await pass(4);
    expect(frozen.messages).toHaveLength(1);
    expect(quick.messages).toHaveLength(5);
    quick.leave();
    await served[1];
    const before = calls();
    await pass(4);
    expect(calls()).toBe(before);
    frozen.leave();
    await served[0];
  });

  test("status events - a host that cannot report is a problem event, until it can", async () => {
    let isBroken = true;
    const events = new StatusEvents(() => {
      if (isBroken) {
        throw new Error("a secret of the inside");
      }
      return hostReport();
    }, resolveStatusOptions());
    const viewer = new FakeViewer();
    const served = events.serve(viewer.stream, EVERYTHING, undefined);
    expect(viewer.last).toEqual({
      event: "problem",
      data: { error: { code: "INTERNAL", message: "The host cannot report. Its log says why." } },
    });
    isBroken = false;
    await pass(1);
    expect(viewer.last.event).toBe("report");
    viewer.leave();
    await served;
  });

  test("status events - stopping ends every viewer, and refuses a late one", async () => {
    const events = new StatusEvents(hostReport, resolveStatusOptions());
    const stopping = new AbortController();
    const served = events.serve(new FakeViewer().stream, EVERYTHING, stopping.signal);
    expect(events.viewers).toBe(1);
    stopping.abort();
    await served;
    await events.serve(new FakeViewer().stream, EVERYTHING, stopping.signal);
    expect(events.viewers).toBe(0);
  });

  test("status events - the size of an event has a bound, whatever peers name things", async () => {
    const long = "x".repeat(100_000);
    const report = hostReport({
      workers: Array.from({ length: 1_000 }, (_, index) =>
        workerReport({
          clientId: `${index}${long}`,
          agentTypes: Array.from({ length: 50 }, () => long),
        }),
      ),
      subscriptions: subscriptionReports(10_000).map((one) => ({ ...one, pattern: long })),
      errors: Array.from({ length: 1_000 }, () => ({
        at: "",
        code: "BAD_FRAME" as const,
        message: long,
        where: long,
      })),
    });
    const events = new StatusEvents(() => report, resolveStatusOptions());
    const viewer = new FakeViewer();
    const served = events.serve(viewer.stream, EVERYTHING, undefined);
    expect(String(viewer.messages[0]?.data).length).toBeLessThan(700_000);
    const view = viewer.last.data as StatusView;
    expect(view.workers).toHaveLength(100);
    expect(view.workers[0]).toMatchObject({ agentTypeCount: 50 });
    expect(view.workers[0]?.agentTypes).toHaveLength(20);
    expect(view.counts).toMatchObject({
      workers: { total: 1_000 },
      subscriptions: { total: 10_000 },
      agentTypes: 50_000,
    });
    viewer.leave();
    await served;
  });
});

describe("status events over HTTP", () => {
  test("status events - a full house is TOO_MANY, a HEAD takes no place, a place becomes free", async () => {
    await using page = await startStatusPage(hostReport, { address: "127.0.0.1:0", maxViewers: 1 });
    const path = `${page.url}/api/events`;
    expect((await fetch(path, { method: "HEAD" })).status).toBe(200);
    const first = await fetch(path);
    expect(first.headers.get("content-type")).toBe("text/event-stream");
    const refused = await fetch(path);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({
      error: {
        code: "TOO_MANY",
        message: "1 live connections are open, which is the limit. Close a page or try later.",
      },
    });
    await first.body?.cancel();
    let again = await fetch(path);
    while (again.status === 503) {
      again = await fetch(path);
    }
    const chunk = await again.body?.getReader().read();
    expect(new TextDecoder().decode(chunk?.value)).toStartWith("event: report\ndata: {");
  });
});
