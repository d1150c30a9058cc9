import { expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { startLogging } from "../../src/telemetry/logging.ts";
import {
  consoleExporter,
  fileExporter,
  SayingExporter,
} from "../../src/telemetry/span-exporters.ts";
import { type OtlpRequest, spansOf } from "../kit/collector.ts";

const SUCCESS = 0;
const FAILED = 1;

function someSpans(): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const provider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: memory })],
  });
  const span = provider.getTracer("test").startSpan("publish notes", {
    attributes: { "message.topic": 'notes/"kitchen"\n' },
  });
  span.setStatus({ code: 2, message: "no such thing" });
  span.end();
  return memory.getFinishedSpans();
}

async function exported(exporter: SpanExporter, spans: ReadableSpan[]): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  exporter.export(spans, ({ code }) => resolve(code));
  return await promise;
}

test("span exporters - failing ones are said once, and once when they work again", async () => {
  const written: string[] = [];
  const stream = {
    writableLength: 0,
    write(text: string, done: () => void) {
      written.push(text);
      done();
    },
  };
  const logging = startLogging({ level: "info", format: "json", hasColors: false, stream });
  const results = [SUCCESS, FAILED, FAILED, FAILED, SUCCESS, SUCCESS, FAILED];
  const inner: SpanExporter = {
    export: (_, done) => {
      const code = results.shift() ?? SUCCESS;
      done(code === FAILED ? { code, error: new Error("refused") } : { code });
    },
    shutdown: async () => undefined,
  };
  const saying = new SayingExporter(inner, "otlp");
  const codes = new Set<number>();
  while (results.length > 0) {
    codes.add(await exported(saying, someSpans()));
  }
  await logging.stop();
  const records = written.map(
    (line) => JSON.parse(line) as { message: string; properties: object },
  );
  expect(records.map(({ message, properties }) => ({ message, properties }))).toEqual([
    {
      message: "spans cannot be exported and are lost; messages are not affected",
      properties: { target: "otlp", reason: "refused" },
    },
    { message: "spans are exported again", properties: { target: "otlp", lost: 3 } },
    {
      message: "spans cannot be exported and are lost; messages are not affected",
      properties: { target: "otlp", reason: "refused" },
    },
  ]);
  expect([...codes]).toEqual([SUCCESS]);
});

test("span exporters - the console gets one line a span, whatever its texts hold", async () => {
  let printed = "";
  const exporter = consoleExporter(async (text) => {
    printed += text;
  });
  expect(await exported(exporter, someSpans())).toBe(SUCCESS);
  expect(printed).toMatch(
    /^span "publish notes" INTERNAL \d+\.\d{3}ms trace=[0-9a-f]{32} span=[0-9a-f]{16} parent=- error="no such thing" message\.topic="notes\/\\"kitchen\\"\\n"\n$/,
  );
});

test("span exporters - a file is appended to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-spans-"));
  try {
    const path = join(folder, "spans.json");
    for (let run = 0; run < 2; run += 1) {
      const exporter = await fileExporter(path);
      expect(await exported(exporter, someSpans())).toBe(SUCCESS);
      await exporter.shutdown();
    }
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    const names = lines.map((line) =>
      spansOf(JSON.parse(line) as OtlpRequest).map(({ name }) => name),
    );
    expect(names).toEqual([["publish notes"], ["publish notes"]]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("span exporters - a folder that does not exist is an error that names the file", async () => {
  const path = join(tmpdir(), "agentrt-no-such-folder", "spans.json");
  await expect(fileExporter(path)).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringContaining(`Spans cannot be written to ${path}: `),
  });
});
