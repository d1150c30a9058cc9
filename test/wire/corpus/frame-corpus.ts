/** The gRPC messages that are kept of each version; scripts/record-corpus.sh adds to them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const FOLDER = resolve(import.meta.dir, "../../corpus/frames");

export interface CorpusLine {
  /** The folder that it is in. */
  readonly version: string;
  /** Of a message that was made: what it has that others have not. */
  readonly what?: string;
  /** Of a recorded message: the number of the gRPC call that it was a part of. */
  readonly call?: number;
  readonly client?: string;
  readonly method: string;
  readonly from: "worker" | "host";
  readonly bytes: Uint8Array;
  /** What the program that wrote it meant. */
  readonly decoded: unknown;
}

export const CORPUS_VERSIONS = readdirSync(FOLDER).sort((a, b) => Number(a) - Number(b));

export function corpusLines(version: string): readonly CorpusLine[] {
  return ["recorded.jsonl", "made.jsonl"].flatMap((file) =>
    readFileSync(join(FOLDER, version, file), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => {
        const { hex, ...others } = JSON.parse(line);
        return { ...others, version, bytes: Buffer.from(hex, "hex") } as CorpusLine;
      }),
  );
}

/** What was recorded, by the gRPC call, in the order in which the calls began. */
export function recordedCalls(version: string): readonly (readonly CorpusLine[])[] {
  const lines = corpusLines(version).filter(({ call }) => call !== undefined);
  return [...Map.groupBy(lines, ({ call }) => call).values()];
}
