import { afterEach, expect, test } from "bun:test";
import { getLogger, resetSync } from "@logtape/logtape";
import { type LogStream, startLogging } from "../../src/telemetry/logging.ts";

const log = getLogger(["agentrt", "test"]);

afterEach(resetSync);

/** A stream whose reader takes everything at once, or nothing until `release`. */
class FakeStream implements LogStream {
  writableLength = 0;
  text = "";
  isStuck = false;
  #waiting: (() => void)[] = [];

  write(text: string, done: () => void): void {
    this.text += text;
    if (this.isStuck) {
      this.writableLength += text.length;
      this.#waiting.push(done);
    } else {
      done();
    }
  }

  release(): void {
    this.isStuck = false;
    this.writableLength = 0;
    for (const done of this.#waiting.splice(0)) {
      done();
    }
  }

  records(): Record<string, unknown>[] {
    return this.text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }
}

function start(format: "json" | "pretty", level: "debug" | "info" | "error" = "info") {
  const stream = new FakeStream();
  return { stream, logging: startLogging({ level, format, hasColors: false, stream }) };
}

test("json log - one object a line with message, level, logger and properties", () => {
  const { stream } = start("json");
  log.info("host ready", { listen: "127.0.0.1:1", http: "off" });
  expect(stream.records()).toEqual([
    {
      "@timestamp": expect.any(String),
      level: "INFO",
      message: "host ready",
      logger: "agentrt.test",
      properties: { listen: "127.0.0.1:1", http: "off" },
    },
  ]);
});

test("json log - line breaks in values stay inside the line", () => {
  const { stream } = start("json");
  log.info("read {name}", { name: 'a\n{"message":"forged"}' });
  expect(stream.records()).toHaveLength(1);
});

test("json log - circles, big numbers and errors are shown", () => {
  const { stream } = start("json");
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  log.error("odd", { circle, big: 10n, error: new Error("outer", { cause: new Error("inner") }) });
  expect(stream.records()[0]).toMatchObject({
    message: "odd",
    properties: { big: "10", error: { message: "outer", cause: { message: "inner" } } },
  });
});

test("json log - a value that cannot be shown does not cost the record", () => {
  const { stream } = start("json");
  const hostile = {
    toJSON() {
      throw new Error("no");
    },
  };
  log.info("odd", { hostile });
  expect(stream.records()[0]).toMatchObject({
    message: "odd",
    properties: { unprintable: expect.stringContaining("Error: no") },
  });
});

test("log - records below the level are left out, and other libraries' too", () => {
  const { stream } = start("json", "error");
  log.warn("quiet");
  getLogger(["elsewhere"]).error("not ours");
  log.error("loud");
  expect(stream.records().map(({ message }) => message)).toEqual(["loud"]);
});

test("log - starting it says nothing by itself", () => {
  const { stream } = start("json", "debug");
  expect(stream.text).toBe("");
});

test("pretty log - one line with the facts behind the message", () => {
  const { stream } = start("pretty");
  log.info("host ready", { listen: "127.0.0.1:1", note: "two words", count: 3 });
  const lines = stream.text.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} +info +agentrt·test +host ready listen=127\.0\.0\.1:1 note="two words" count=3$/,
  );
});

test("pretty log - texts of a peer steer no terminal and forge no line", () => {
  const { stream } = start("pretty");
  log.error("from {peer}", {
    peer: "\u001b[2J\nforged",
    error: new Error("\u001b[31m\u0007"),
  });
  expect(stream.text).not.toMatch(/[^\P{Cc}\n]/u);
  const lines = stream.text.split("\n").filter((line) => line.includes("forged"));
  expect(lines).toEqual([expect.stringContaining("from ")]);
});

test("pretty log - an error's stack follows, at level error only", () => {
  const { stream } = start("pretty");
  log.warn("mild", { error: new Error("x") });
  expect(stream.text.trimEnd().split("\n")).toHaveLength(1);
  log.error("bad", { error: new Error("x") });
  expect(stream.text).toContain("\n    Error: x");
});

test("log - a reader that is stuck costs records, which are counted when it is back", () => {
  const { stream } = start("json");
  stream.isStuck = true;
  const big = "x".repeat(1024 ** 2);
  for (let index = 0; index < 10; index += 1) {
    log.info(big);
  }
  const kept = stream.records().length;
  expect(kept).toBeLessThan(10);
  stream.release();
  log.info("after");
  expect(stream.records().slice(kept)).toMatchObject([
    { level: "WARN", properties: { count: 10 - kept } },
    { message: "after" },
  ]);
});

test("log - stopping waits until everything is out", async () => {
  const { stream, logging } = start("json");
  stream.isStuck = true;
  log.info("last words");
  let hasStopped = false;
  const stopping = logging.stop(60_000).then(() => {
    hasStopped = true;
  });
  await Promise.resolve();
  expect(hasStopped).toBe(false);
  stream.release();
  await stopping;
  expect(hasStopped).toBe(true);
});

test("log - stopping does not wait for ever", async () => {
  const { stream, logging } = start("json");
  stream.isStuck = true;
  log.info("never read");
  await logging.stop(1);
  expect(stream.text).toContain("never read");
});
