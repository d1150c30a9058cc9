// Adds to test/corpus what the program of today says; see scripts/record-corpus.sh.
import { resolve } from "node:path";
import { recordFrames } from "./corpus/record-frames.ts";

const corpus = resolve(import.meta.dir, "../test/corpus");
console.log(await recordFrames(corpus));
