import { expect, test } from "bun:test";
import { linesOfInput, messageFor, textOfInput } from "../../../src/cli/commands/data-argument.ts";
import { pace } from "../../../src/cli/commands/pace.ts";
import { jsonLineOf, textOfPayload, viewOf } from "../../../src/cli/commands/payload-view.ts";
import { printable } from "../../../src/cli/commands/printable.ts";
import { renderTable } from "../../../src/cli/commands/table.ts";
import { uptime } from "../../../src/cli/commands/top-view.ts";
import { parseTopicPattern, subscriptionsFor } from "../../../src/cli/commands/topic-pattern.ts";
import { createStyler } from "../../../src/cli/terminal.ts";
import { AgentrtError } from "../../../src/core/errors.ts";
import { UnknownPayload } from "../../../src/core/message-type.ts";
import { patternOf } from "../../../src/core/subscription.ts";
import { TopicId } from "../../../src/core/topic-id.ts";
import { Message } from "../../../src/worker/message.ts";

const PLAIN = { type: undefined, destination: "chat", priority: undefined };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const jsonPayload = (text: string): UnknownPayload =>
  new UnknownPayload("Reading", "application/json", encode(text));

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    yield encode(text);
  }
}

test("data - text is the content of a Message, an object or array too, a number stays text", () => {
  const contentOf = (text: string): unknown => (messageFor(text, PLAIN, "DATA") as Message).content;
  expect(contentOf("hello")).toBe("hello");
  expect(contentOf('{"a": 1}')).toEqual({ a: 1 });
  expect(contentOf("[1]")).toEqual([1]);
  expect(contentOf("42")).toBe("42");
  expect(contentOf("[not json")).toBe("[not json");
  const urgent = messageFor("x", { ...PLAIN, priority: "high" }, "DATA");
  expect(urgent).toEqual(
    new Message({ content: "x", topic: "chat", metadata: { priority: "high" } }),
  );
});

test("data - with a type's name it goes out as it was written", () => {
  const text = '{"big": 12345678901234567890}';
  const message = messageFor(text, { ...PLAIN, type: "Reading" }, "DATA") as UnknownPayload;
  expect(message.dataType).toBe("Reading");
  expect(new TextDecoder().decode(message.data)).toBe(text);
});

test("data - with a type's name it must be JSON", () => {
  let error: unknown;
  try {
    messageFor("{a}", { ...PLAIN, type: "Reading" }, "Line 3 of standard input");
  } catch (thrown) {
    error = thrown;
  }
  const { code, message } = AgentrtError.from(error);
  expect(code).toBe("INVALID_OPTION");
  expect(message).toStartWith("Line 3 of standard input is not JSON, as --type Reading wants it: ");
});

test("input - lines over the borders of chunks, empty ones left out, characters whole", async () => {
  const all = encode("é\n");
  async function* split(): AsyncGenerator<Uint8Array> {
    yield encode("on");
    yield encode("e\r\n\ntwo\n");
    yield all.slice(0, 1);
    yield all.slice(1);
    yield encode("last");
  }
  expect(await Array.fromAsync(linesOfInput(split(), 100))).toEqual(["one", "two", "é", "last"]);
});

test("input - what is over the limit is refused before it is kept", async () => {
  const endless = Array.fromAsync(linesOfInput(chunks("12345", "67890", "x"), 9));
  expect(await endless.catch((error) => AgentrtError.from(error).code)).toBe("TOO_LARGE");
  const whole = textOfInput(chunks("12345", "67890"), 9);
  expect(await whole.catch((error) => AgentrtError.from(error).code)).toBe("TOO_LARGE");
  expect(await textOfInput(chunks("ab", "c\n"), 9)).toBe("abc");
});

test("payload - JSON is shown as it came, on one line, whatever its type", () => {
  const view = viewOf(jsonPayload('{\n  "big": 12345678901234567890,\n\t"text": "a\\nb"\n}'));
  expect(view.json).toBe('{ "big": 12345678901234567890, "text": "a\\nb" }');
  expect(textOfPayload(view)).toBe(view.json ?? "");
  expect(jsonLineOf({ topic: "a/b" }, view)).toBe(
    `{"topic":"a/b","dataType":"Reading","contentType":"application/json","data":${view.json}}`,
  );
});

test("payload - of a Message the text is shown, and cannot steer the terminal", () => {
  const text = JSON.stringify({ content: "a\u001b[2J\u009b\u202e", topic: "t", metadata: {} });
  const message = new UnknownPayload("Message", "application/json", encode(text));
  expect(textOfPayload(viewOf(message))).toBe("a\\u001b[2J\\u009b\\u202e");
  const raw = viewOf(jsonPayload('"\u009b\u202e"')).json ?? "";
  expect(raw).toBe('"\\u009b\\u202e"');
  expect(JSON.parse(raw)).toBe("\u009b\u202e");
});

test("payload - bytes that are no JSON are shown as bytes", () => {
  const view = viewOf(new UnknownPayload("p.Reading", "application/x-protobuf", encode("abc")));
  expect(textOfPayload(view)).toBe("(3 bytes of application/x-protobuf) YWJj");
  expect(JSON.parse(jsonLineOf({}, view))).toEqual({
    dataType: "p.Reading",
    contentType: "application/x-protobuf",
    dataBase64: "YWJj",
  });
  expect(viewOf(jsonPayload("{")).base64).toBe("ew==");
});

test("payload - no answer is null", () => {
  expect(JSON.parse(jsonLineOf({}, viewOf(undefined)))).toMatchObject({ data: null });
});

test("printable - text stays, controls are spelt out", () => {
  expect(printable("häuser 房间\t\r\n")).toBe("häuser 房间\\u0009\\u000d\\u000a");
});

test("table - columns as wide as they need, numbers at the right, no name cut", () => {
  const columns = [
    { title: { en: "NAME", zh: "名称" }, text: (row: { name: string; count: number }) => row.name },
    {
      title: { en: "N", zh: "名称" },
      text: (row: { name: string; count: number }) => row.count,
      isNumber: true,
    },
  ];
  const rows = [
    { name: "房间", count: 5 },
    { name: "kitchen\n", count: 1_000 },
  ];
  expect(renderTable(columns, rows, { style: createStyler(false), language: "en" })).toEqual([
    "NAME              N",
    "房间              5",
    "kitchen\\u000a  1000",
  ]);
});

test.each<[number, string]>([
  [0.4, "0s"],
  [59, "59s"],
  [3_600, "1h"],
  [90_061, "1d 1h"],
])("uptime - %p seconds", (seconds, text) => {
  expect(uptime(seconds)).toBe(text);
});

test("topics - type, type with source, and beginning", () => {
  const kitchen = new TopicId("readings", "kitchen");
  expect(parseTopicPattern("readings").matches(kitchen)).toBe(true);
  expect(parseTopicPattern("readings/kitchen").matches(kitchen)).toBe(true);
  expect(parseTopicPattern("readings/hall").matches(kitchen)).toBe(false);
  expect(parseTopicPattern("read*").matches(kitchen)).toBe(true);
  expect(parseTopicPattern("red*").matches(kitchen)).toBe(false);
  expect(parseTopicPattern("*").matches(kitchen)).toBe(true);
  expect(parseTopicPattern("*/kitchen").matches(kitchen)).toBe(true);
  expect(parseTopicPattern("*/hall").matches(kitchen)).toBe(false);
  expect(parseTopicPattern("read*/kitchen").matches(kitchen)).toBe(true);
  expect(parseTopicPattern("red*/kitchen").matches(kitchen)).toBe(false);
  expect(parseTopicPattern("readings/a*").matches(new TopicId("readings", "a*"))).toBe(true);
});

test.each<[string[], string[]]>([
  [["a/1", "a/2"], ["a"]],
  [
    ["a/1", "b", "b*", "c"],
    ["a", "b*", "c"],
  ],
  [["b*", "ba*", "b*/x"], ["b*"]],
  [["a", "b*", "*/x", "*"], ["*"]],
])("topics - %p needs the subscriptions %p, so that nothing comes twice", (texts, made) => {
  const subscriptions = subscriptionsFor(texts.map(parseTopicPattern), "me");
  expect(
    subscriptions.map((one) => (one.kind === "prefix" ? `${patternOf(one)}*` : patternOf(one))),
  ).toEqual(made);
});

test.each(["a b", "/x", "a b*", "*/", "a*b", "**"])("topics - %p is refused", (text) => {
  expect(() => parseTopicPattern(text)).toThrow(AgentrtError);
});

async function* endless(): AsyncGenerator<number> {
  for (let n = 0; ; n += 1) {
    yield n;
  }
}

test("pace - a wait for the next turn and for a silent source ends when it is stopped", async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const n of pace(endless(), { messages: 1, perMs: 3_600_000 }, stop.signal)) {
    seen.push(n);
    setTimeout(() => stop.abort(), 1);
  }
  expect(seen).toEqual([0]);
  const silent: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
  };
  expect(await Array.fromAsync(pace(silent, undefined, stop.signal))).toEqual([]);
});
