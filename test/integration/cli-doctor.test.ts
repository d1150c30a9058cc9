import { expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { freePort } from "../kit/ports.ts";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { SELF_SIGNED } from "../kit/self-signed.ts";

setDefaultTimeout(60_000);

interface Diagnosis {
  readonly host: string;
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly finding: string;
    readonly next?: string;
  }[];
  readonly questions: readonly {
    readonly question: string;
    readonly findings: readonly string[];
    readonly advice: string;
  }[];
}

const STEPS = ["name", "port", "http2", "tls", "health", "protocol", "client id", "messages"];
const HOST = ["--role", "host", "--listen", "127.0.0.1:0", "--data", "none"];

async function diagnose(
  host: string,
  ...flags: string[]
): Promise<{ code: number; diagnosis: Diagnosis }> {
  const { code, stdout, stderr } = await runAgentrt(["doctor", host, "--json", ...flags]);
  expect(stderr).toBe("");
  return { code, diagnosis: JSON.parse(stdout) as Diagnosis };
}

/** The step that failed; those after it were not tried. */
function failureIn({ checks }: Diagnosis): { name: string; finding: string; next: string } {
  const index = checks.findIndex(({ verdict }) => verdict === "failed");
  const failed = checks[index];
  expect(checks.map(({ name }) => name)).toEqual(STEPS);
  expect(checks.slice(0, index).every(({ verdict }) => verdict === "ok")).toBe(true);
  expect(checks.slice(index + 1).every(({ verdict }) => verdict === "skipped")).toBe(true);
  return { name: failed?.name ?? "", finding: failed?.finding ?? "", next: failed?.next ?? "" };
}

async function listen(onText: (text: string) => string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("data", (bytes: Buffer) => socket.end(onText(bytes.toString("latin1"))));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

test("doctor - a host that is well: every step has a verdict, and it leaves no trace of trouble", async () => {
  await using host = startAgentrt([...HOST, "--http", "off"]);
  const listen = String((await host.waitForLog("host ready")).properties["listen"]);
  await diagnose(listen);
  const { code, diagnosis } = await diagnose(listen);
  expect([code, diagnosis.ok, diagnosis.host]).toEqual([0, true, listen]);
  expect(diagnosis.checks.map(({ name, verdict }) => [name, verdict])).toEqual(
    [...STEPS, "clock", "version"].map((name) => [name, "ok"]),
  );
  expect(diagnosis.questions.map(({ findings }) => findings)).toEqual([[], [], [], [], []]);
});

test("doctor - as text: one line a step, then the usual questions with what this host shows", async () => {
  await using host = startAgentrt([...HOST, "--http", "off"]);
  const listen = String((await host.waitForLog("host ready")).properties["listen"]);
  await runAgentrt(["pub", "unheard", "x", "--host-address", listen]);
  const { code, stdout, stderr } = await runAgentrt(["doctor", "--host-address", listen]);
  expect([code, stderr]).toEqual([0, ""]);
  const [title, ...lines] = stdout.split("\n");
  expect(title).toBe(listen);
  for (const [index, name] of [...STEPS, "clock", "version"].entries()) {
    expect(lines[index]).toStartWith(`ok      ${name.padEnd(10)} `);
  }
  expect(stdout).toContain(
    "A message is not received\n  seen here: 1 events had no receiver\n  seen here: nobody received the 1 on unheard\n",
  );
});

test("doctor - under a Chinese locale each line is Chinese, and the JSON is as everywhere", async () => {
  const env = { LANG: "zh_CN.UTF-8" };
  const absent = `127.0.0.1:${await freePort()}`;
  const { code, stdout } = await runAgentrt(["doctor", absent], { env });
  expect(code).toBe(1);
  const [title, ...lines] = stdout.split("\n");
  expect(title).toBe(absent);
  for (const line of lines.filter((one) => one !== "")) {
    expect(line).toMatch(/\p{Script=Han}/u);
  }
  expect(stdout).toContain("失败    端口       端口");
  // No advice for other troubles below the step that matters.
  expect(lines.at(-2)).toContain("未检查");
  const json = await runAgentrt(["doctor", absent, "--json"], { env });
  expect(json.stdout).toBe((await runAgentrt(["doctor", absent, "--json"])).stdout);
  expect(json.stdout).not.toMatch(/\p{Script=Han}/u);
});

test("doctor - a name that does not exist", async () => {
  const { code, diagnosis } = await diagnose("no-such-host.invalid");
  expect([code, diagnosis.ok, diagnosis.host]).toEqual([1, false, "no-such-host.invalid:50051"]);
  expect(failureIn(diagnosis)).toMatchObject({
    name: "name",
    finding: expect.stringContaining("no-such-host.invalid is not known"),
    next: expect.stringContaining("DNS"),
  });
});

test("doctor - a port on which nothing listens", async () => {
  const { code, diagnosis } = await diagnose(`127.0.0.1:${await freePort()}`);
  expect(code).toBe(1);
  expect(failureIn(diagnosis)).toMatchObject({
    name: "port",
    next: expect.stringContaining("agentrt --role host"),
  });
});

test("doctor - the port of the status page instead of the host's", async () => {
  await using host = startAgentrt([...HOST, "--http", "127.0.0.1:0"]);
  const page = String((await host.waitForLog("host ready")).properties["http"]);
  const { code, diagnosis } = await diagnose(new URL(page).host);
  expect(code).toBe(1);
  expect(failureIn(diagnosis)).toMatchObject({
    name: "http2",
    finding: "answers in HTTP/1: this is a web server",
    next: expect.stringContaining("--listen"),
  });
});

test("doctor - a port that speaks TLS", async () => {
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: SELF_SIGNED,
    fetch: () => new Response(""),
  });
  const { code, diagnosis } = await diagnose(`127.0.0.1:${server.port}`, "--connect-timeout", "3s");
  expect(code).toBe(1);
  expect(failureIn(diagnosis)).toMatchObject({
    name: "http2",
    finding: "the port speaks TLS, which agentrt does not speak yet",
  });
});

test("doctor - another program's port", async () => {
  const { server, port } = await listen(() => "-ERR what is this\r\n");
  try {
    const { code, diagnosis } = await diagnose(`127.0.0.1:${port}`, "--connect-timeout", "3s");
    expect(code).toBe(1);
    expect(failureIn(diagnosis)).toMatchObject({
      name: "http2",
      finding: "answers with something that is not HTTP/2",
    });
  } finally {
    server.close();
  }
});
