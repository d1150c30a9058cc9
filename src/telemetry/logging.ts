import { inspect } from "node:util";
import {
  configureSync,
  getJsonLinesFormatter,
  type LogLevel,
  type LogRecord,
  resetSync,
  type TextFormatter,
} from "@logtape/logtape";
import { getPrettyFormatter } from "@logtape/pretty";

export interface LoggingOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, with `message`, `level`, `logger` and `properties`. */
  readonly format: "pretty" | "json";
  readonly hasColors: boolean;
  /** Default: standard error. */
  readonly stream?: LogStream;
}

/** The part of a Node stream that a log needs. */
export interface LogStream {
  /** Bytes that were written and not yet taken. */
  readonly writableLength: number;
  write(text: string, done: () => void): unknown;
}

export interface Logging {
  /** Waits until every record is out, but not longer than the time given, and stops the logging. */
  stop(timeoutMs?: number): Promise<void>;
}

/** A reader that stopped reading must neither block the process nor make it grow. */
const MAX_PENDING_BYTES = 4 * 1024 ** 2;
const DEFAULT_STOP_TIMEOUT_MS = 1_000;

/**
 * Sends what every room logs with `getLogger(["agentrt", room])` to one stream.
 * Records that a stuck reader has no room for are dropped, and counted in the next one that fits.
 */
export function startLogging(options: LoggingOptions): Logging {
  const stream = options.stream ?? process.stderr;
  const format = options.format === "json" ? jsonFormatter() : prettyFormatter(options.hasColors);
  let dropped = 0;
  let pending = 0;
  let whenIdle = Promise.withResolvers<void>();
  whenIdle.resolve();

  function write(text: string): void {
    if (pending === 0) {
      whenIdle = Promise.withResolvers<void>();
    }
    pending += 1;
    stream.write(text, () => {
      pending -= 1;
      if (pending === 0) {
        whenIdle.resolve();
      }
    });
  }

  function sink(record: LogRecord): void {
    if (stream.writableLength > MAX_PENDING_BYTES) {
      dropped += 1;
      return;
    }
    if (dropped > 0) {
      const count = dropped;
      dropped = 0;
      write(format({ ...record, ...droppedNotice(count) }));
    }
    write(format(record));
  }

  configureSync({
    // A test may start it twice in one process.
    reset: true,
    sinks: { stream: sink },
    loggers: [
      { category: "agentrt", sinks: ["stream"], lowestLevel: options.level },
      { category: ["logtape", "meta"], sinks: ["stream"], lowestLevel: "error" },
    ],
  });

  return {
    async stop(timeoutMs = DEFAULT_STOP_TIMEOUT_MS) {
      resetSync();
      const timeUp = Promise.withResolvers<void>();
      const timer = setTimeout(timeUp.resolve, timeoutMs);
      await Promise.race([whenIdle.promise, timeUp.promise]);
      clearTimeout(timer);
    },
  };
}

function droppedNotice(count: number): Partial<LogRecord> {
  return {
    level: "warning",
    category: ["agentrt", "telemetry"],
    message: ["log records dropped, because nobody read them"],
    rawMessage: "log records dropped, because nobody read them",
    properties: { count },
  };
}

function jsonFormatter(): TextFormatter {
  const format = getJsonLinesFormatter();
  return (record) => {
    try {
      return format(record);
    } catch (error) {
      // A value whose own toJSON throws must not cost the record.
      return format({
        ...record,
        message: [String(record.rawMessage)],
        properties: { unprintable: inspect(error) },
      });
    }
  };
}

/** One line a record, `message name=value …`; the stack of a logged error follows, indented. */
function prettyFormatter(hasColors: boolean): TextFormatter {
  const format = getPrettyFormatter({
    colors: hasColors,
    icons: false,
    timestamp: "time",
    categoryWidth: 18,
    messageStyle: null,
    properties: false,
    wordWrap: false,
    // Parts of a message may be texts from a peer, which must not steer the terminal.
    sanitize: { sgr: "escape", newlines: "escape" },
  });
  return (record) => {
    const entries = Object.entries(record.properties);
    const facts = entries
      .filter(([name]) => !String(record.rawMessage).includes(`{${name}}`))
      .map(([name, value]) => ` ${name}=${factOf(value)}`);
    const stacks = entries.map(([, value]) =>
      value instanceof Error ? stackOf(value, record.level) : "",
    );
    const text = record.message.map(textOf).join("") + facts.join("");
    return format({ ...record, message: [text] }) + stacks.join("");
  };
}

function textOf(part: unknown): string {
  return typeof part === "string" ? part : factOf(part);
}

function factOf(value: unknown): string {
  if (typeof value === "string") {
    return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  }
  if (value instanceof Error) {
    return JSON.stringify(`${value.name}: ${value.message}`);
  }
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 3 });
}

function stackOf(error: Error, level: LogLevel): string {
  if (level !== "error" && level !== "fatal") {
    return "";
  }
  const lines = inspect(error, { colors: false }).split("\n");
  return lines.map((line) => `    ${line.replace(CONTROL, "�")}\n`).join("");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
