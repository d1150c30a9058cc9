import { expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { startAgentrt } from "../kit/process.ts";

async function occupy(): Promise<{ server: Server; address: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return { server, address: `127.0.0.1:${port}` };
}

const free = "127.0.0.1:0";
const cases = [
  {
    what: "the host's port",
    args: (taken: string) => [
      "--role",
      "host",
      "--listen",
      taken,
      "--http",
      "off",
      "--data",
      "none",
    ],
    flag: "--listen",
  },
  {
    what: "the status page's port",
    args: (taken: string) => [
      "--role",
      "host",
      "--listen",
      free,
      "--http",
      taken,
      "--data",
      "none",
    ],
    flag: "--http",
  },
  {
    what: "the home page's port",
    args: (taken: string) => [
      ...["--role", "host,ui-agent", "--listen", free, "--http", "off", "--data", "none"],
      ...["--ui", taken],
    ],
    flag: "--ui",
  },
];

for (const { what, args, flag } of cases) {
  test(`faults - ${what} is taken: exit 1 and one line that says where and what to do`, async () => {
    const { server, address } = await occupy();
    try {
      await using process = startAgentrt(args(address), {
        env: { AGENTRT_LOG_FORMAT: "pretty", AGENTRT_LOG_LEVEL: "error" },
      });
      expect(await process.waitForExit()).toBe(1);
      const lines = process.stderr.trim().split("\n");
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain("ADDRESS_IN_USE");
      expect(lines[0]).toContain(address);
      expect(lines[0]).toContain(flag);
      expect(process.stderr).not.toContain("    at ");
    } finally {
      server.close();
    }
  }, 20_000);
}
