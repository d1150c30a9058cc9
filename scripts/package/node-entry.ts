// The entry of the npm package under Node.js: what Node.js 20 lacks, then the API.
import "./promise-with-resolvers.ts";

// biome-ignore lint/performance/noReExportAll: the one list of exports is the entry's own.
// biome-ignore lint/performance/noBarrelFile: as above.
export * from "../../src/index.ts";
