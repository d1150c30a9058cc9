import type { AgentrtError } from "../core/errors.ts";

/** The facts of an error as they travel beside its code and text. */
export function encodeErrorData({ data }: AgentrtError): string {
  return Object.keys(data).length === 0 ? "" : JSON.stringify(data);
}

/** What a peer sent; what is not as we write it is left out. */
export function decodeErrorData(text: string): AgentrtError["data"] {
  try {
    const parsed: unknown = text === "" ? {} : JSON.parse(text);
    return Object.fromEntries(Object.entries(parsed ?? {}).filter(isPlainEntry));
  } catch {
    // The code and the text of the error are what counts; its data is an extra.
    return {};
  }
}

function isPlainEntry(entry: [string, unknown]): entry is [string, string | number | boolean] {
  return ["string", "number", "boolean"].includes(typeof entry[1]);
}
