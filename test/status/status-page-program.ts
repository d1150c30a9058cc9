// A program that serves the status page of a made-up host; tests compile it, as the real one is.
// Use: PROGRAM HOST:PORT, and AGENTRT_TEST_STATE for what the host is like.

import { startStatusPage } from "../../src/status/status-page.ts";
import { hostReport, subscriptionReports, workerReport } from "./report.ts";

const startedAt = new Date().toISOString();
const start = performance.now();
const mode = process.env["AGENTRT_TEST_STATE"] ?? "usual";

const page = await startStatusPage(
  () => {
    if (mode === "broken") {
      throw new Error("a secret of the inside");
    }
    return hostReport({
      startedAt,
      uptimeSeconds: (performance.now() - start) / 1_000,
      isInsecure: mode === "insecure",
      workers: [
        workerReport({
          agentTypes: ["device_agent", "<img src=x onerror=document.title='owned'>"],
        }),
      ],
      subscriptions: subscriptionReports(10_000),
    });
  },
  { address: process.argv[2] ?? "127.0.0.1:0", intervalMs: 100 },
);
process.stdout.write(`${page.url}\n`);
process.once("SIGTERM", () => {
  page.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
