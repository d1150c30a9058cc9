/** One line of the program's JSON log. */
export interface LogRecord {
  readonly message: string;
  readonly level: string;
  /** The logger's category, joined by dots. */
  readonly logger: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Reads one line of standard error; undefined when it is not a log record. */
export function parseLogLine(line: string): LogRecord | undefined {
  if (!line.startsWith("{")) {
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A line of another program that begins with a brace, such as a stack trace: not a record.
    return undefined;
  }
  if (!isObject(value) || typeof value["message"] !== "string") {
    return undefined;
  }
  const { message, level, logger, properties } = value;
  return {
    message: String(message),
    level: String(level ?? ""),
    logger: String(logger ?? ""),
    properties: isObject(properties) ? properties : {},
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
