// Adds to test/corpus what the program of today says and stores; see scripts/record-corpus.sh.
import { resolve } from "node:path";
import { recordData } from "./corpus/record-data.ts";
import { recordFrames } from "./corpus/record-frames.ts";

const corpus = resolve(import.meta.dir, "../test/corpus");
const record = process.argv[2] === "data" ? recordData : recordFrames;
console.log(await record(corpus));
