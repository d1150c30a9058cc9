import { stat } from "node:fs/promises";
import { shorten } from "../../core/agent-id.ts";
import { JSON_CONTENT_TYPE } from "../../core/envelope.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { UnknownPayload } from "../../core/message-type.ts";
import { Message } from "../../worker/message.ts";
import { parseJson } from "./parse-json.ts";

export interface MessageKind {
  /** The data type's name; undefined is a Message of the short API. */
  readonly type: string | undefined;
  /** Where it goes, for the `topic` field of a Message. */
  readonly destination: string;
  readonly priority: string | undefined;
}

/**
 * The message that a text stands for: data of a named type, or a Message with the text, or with
 * the JSON object or array that the text is, as its content.
 * @param what names the text for an error, such as `DATA`
 * @throws AgentrtError `INVALID_OPTION` when data of a named type is not JSON
 */
export function messageFor(text: string, kind: MessageKind, what: string): object {
  const json = parseJson(text);
  if (kind.type !== undefined) {
    if (json.problem !== undefined) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `${what} is not JSON, as --type ${kind.type} wants it: ${json.problem} Write it as '{"name": 1}', or leave out --type to send a text.`,
      );
    }
    return new UnknownPayload(kind.type, JSON_CONTENT_TYPE, new TextEncoder().encode(text));
  }
  const isDocument = typeof json.value === "object" && json.value !== null;
  return new Message({
    content: isDocument ? (json.value ?? null) : text,
    topic: kind.destination,
    metadata: kind.priority === undefined ? {} : { priority: kind.priority },
  });
}

/**
 * The text of a file, without the line break at its end.
 * @throws AgentrtError `INVALID_OPTION` when it cannot be read, `TOO_LARGE`
 */
export async function textOfFile(path: string, maxBytes: number): Promise<string> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) {
      throw tooLarge(`The file ${shorten(path)}`, maxBytes);
    }
    text = await Bun.file(path).text();
  } catch (error) {
    if (error instanceof AgentrtError) {
      throw error;
    }
    throw new AgentrtError(
      "INVALID_OPTION",
      `The file ${shorten(path)} cannot be read: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return text.replace(/\r?\n$/, "");
}

/** All of standard input as one text. @throws AgentrtError `TOO_LARGE` */
export async function textOfInput(
  input: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw tooLarge("Standard input", maxBytes);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, "");
}

/**
 * The lines of standard input that are not empty.
 * @throws AgentrtError `TOO_LARGE` for a line over the limit, before it is kept whole
 */
export async function* linesOfInput(
  input: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") {
        yield line;
      }
    }
    if (rest.length > maxBytes) {
      throw tooLarge("A line of standard input", maxBytes);
    }
  }
  rest += decoder.decode();
  if (rest !== "") {
    yield rest;
  }
}

function tooLarge(what: string, maxBytes: number): AgentrtError {
  return new AgentrtError(
    "TOO_LARGE",
    `${what} has more than ${maxBytes} bytes, the limit of --max-message-size.`,
  );
}
