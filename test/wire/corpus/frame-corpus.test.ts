import { describe, expect, test } from "bun:test";
import { described } from "./described.ts";
import { CORPUS_VERSIONS, corpusLines } from "./frame-corpus.ts";
import { allKinds, kindsIn } from "./kinds.ts";

/** Of messages that others hold as bytes, and of fields that nothing of ours writes. */
const NEVER_ALONE = new Set(["agentrt.v1.RecordExtras"]);

describe.each(CORPUS_VERSIONS)("the corpus of frames - version %s", (version) => {
  test("each message says what it was written to say", () => {
    const lines = corpusLines(version);
    expect(lines.length).toBeGreaterThan(100);
    for (const { method, from, bytes, decoded, what, call } of lines) {
      const where = what ?? `call ${call}`;
      const says = described(method, from, bytes);
      expect({ where, method, from, says }).toEqual({ where, method, from, says: decoded });
    }
  });
});

test("the corpus of frames - each kind of message and frame of the .proto files is in it, several in one message too", () => {
  const lines = CORPUS_VERSIONS.flatMap(corpusLines);
  const kinds = new Set<string>();
  for (const { method, from, bytes } of lines) {
    for (const kind of kindsIn(method, from, bytes)) {
      kinds.add(kind);
    }
  }
  // What is missing has to be added to the newest messages: scripts/record-corpus.sh.
  expect(allKinds().filter((kind) => !kinds.has(kind) && !NEVER_ALONE.has(kind))).toEqual([]);
  const mixed = lines.filter(
    ({ method, decoded }) => method === "/agentrt.v1.Link/Open" && (decoded as []).length > 2,
  );
  expect(new Set(mixed.map(({ from }) => from))).toEqual(new Set(["worker", "host"]));
});
