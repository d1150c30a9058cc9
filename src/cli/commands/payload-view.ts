import { JSON_CONTENT_TYPE } from "../../core/envelope.ts";
import { UnknownPayload } from "../../core/message-type.ts";
import { printable } from "./printable.ts";

/** A payload whose type nobody here knows, ready to be shown. */
export interface PayloadView {
  readonly dataType: string;
  readonly contentType: string;
  /**
   * JSON on one line, spelt as it came: numbers that JavaScript could not hold stay exact.
   * Undefined when the data is none.
   */
  readonly json: string | undefined;
  /** The data when it is no JSON. */
  readonly base64: string | undefined;
}

const EMPTY: PayloadView = { dataType: "", contentType: "", json: "null", base64: undefined };

export function viewOf(message: object | undefined): PayloadView {
  if (message === undefined) {
    return EMPTY;
  }
  if (!(message instanceof UnknownPayload)) {
    const json = printable(JSON.stringify(message));
    return { dataType: "", contentType: JSON_CONTENT_TYPE, json, base64: undefined };
  }
  const { dataType, contentType, data } = message;
  const json = contentType === JSON_CONTENT_TYPE ? jsonIn(data) : undefined;
  const base64 = json === undefined ? Buffer.from(data).toString("base64") : undefined;
  return { dataType, contentType, json, base64 };
}

/** For a program: the fields of `facts`, then those of the payload, as one JSON object on one line. */
export function jsonLineOf(
  facts: Readonly<Record<string, unknown>>,
  { dataType, contentType, json, base64 }: PayloadView,
): string {
  const head = printable(JSON.stringify({ ...facts, dataType, contentType }));
  const data = json === undefined ? `"dataBase64":${JSON.stringify(base64)}` : `"data":${json}`;
  return `${head.slice(0, -1)},${data}}`;
}

/** For a person: the text of a Message, other JSON as it is, anything else by its size and bytes. */
export function textOfPayload(view: PayloadView): string {
  if (view.json === undefined) {
    const bytes = Buffer.byteLength(view.base64 ?? "", "base64");
    return `(${bytes} bytes of ${printable(view.contentType)}) ${view.base64}`;
  }
  const content = view.dataType === "Message" ? contentOf(view.json) : undefined;
  return content === undefined ? view.json : printable(content);
}

/** The content of a Message of the short API, when it is a text. */
function contentOf(json: string): string | undefined {
  const value: unknown = JSON.parse(json);
  return typeof value === "object" &&
    value !== null &&
    "content" in value &&
    typeof value.content === "string"
    ? value.content
    : undefined;
}

function jsonIn(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data);
    JSON.parse(text);
    // Line breaks stand only between the parts of JSON; other controls only escaped, or in texts as C1.
    return printable(
      text
        .trim()
        .replace(/\s*[\r\n]+\s*/g, " ")
        .replaceAll("\t", " "),
    );
  } catch {
    // Not JSON after all, whatever the peer called it; it is shown as bytes.
    return undefined;
  }
}
