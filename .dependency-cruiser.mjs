/**
 * Who may import whom, downwards only:
 *
 *   main -> cli -> { host, worker, status, cluster } -> { wire, store, security, telemetry } -> core
 *
 * and `agents/` the public entry `src/index.ts` alone. Each rule's comment is what a person reads
 * who broke it. `test/structure/imports.test.ts` sees every one of them fail.
 */

const MIDDLE = "host|worker|status|cluster";
const LOWER = "wire|store|security|telemetry";

/** @type {import("dependency-cruiser").IForbiddenRuleType[]} */
const forbidden = [
  {
    name: "no-cycle",
    comment: "Modules that need each other are one module, or a third one is hidden in them.",
    severity: "error",
    from: {},
    // Two interfaces may name each other; what counts is code that cannot load without itself.
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "no-orphan",
    comment: "Nothing imports this module and it imports nothing: use it or remove it.",
    severity: "error",
    from: {
      orphan: true,
      path: "^(src|agents)/",
      pathNot: [
        "^src/(main|index|isolated-thread|store-thread)\\.ts$",
        "\\.d\\.ts$",
        "^src/wire/gen/",
      ],
    },
    to: {},
  },
  {
    name: "main-to-cli-only",
    comment: "The entry hands over to the command line, which knows the rest.",
    severity: "error",
    from: { path: "^src/main\\.ts$" },
    to: { path: "^(src|agents)/", pathNot: "^src/(cli|core)/" },
  },
  {
    name: "not-to-main",
    comment: "The entry is started, not imported.",
    severity: "error",
    from: {},
    to: { path: "^src/main\\.ts$" },
  },
  {
    name: "cli-is-the-top",
    comment: "Only the entry may know the command line; the rooms below must work without it.",
    severity: "error",
    from: { path: "^(src|agents)/", pathNot: ["^src/main\\.ts$", "^src/cli/"] },
    to: { path: "^src/cli/" },
  },
  {
    name: "entry-is-for-others",
    comment:
      "src/index.ts is the door for agents and users; inside, import the room's own file. Only what hands the whole API to a user's files takes it.",
    severity: "error",
    from: {
      path: "^src/",
      pathNot: "^src/user-module\\.ts$",
    },
    to: { path: "^src/index\\.ts$" },
  },
  {
    name: "entry-shows-no-page",
    comment: "The public entry offers the runtime, not the pages or commands built on it.",
    severity: "error",
    from: { path: "^src/index\\.ts$" },
    to: { path: "^(src/(cli|status|cluster|main\\.ts)|agents/)" },
  },
  {
    name: "middle-rooms-downwards",
    comment:
      "host, worker, status and cluster do not import each other, only the rooms below and core.",
    severity: "error",
    from: { path: `^src/(${MIDDLE})/` },
    to: { path: "^src/", pathNot: `^src/($1|${LOWER}|core)/` },
  },
  {
    name: "lower-rooms-downwards",
    comment: "wire, store, security and telemetry do not import each other, only core.",
    severity: "error",
    from: { path: `^src/(${LOWER})/` },
    to: { path: "^src/", pathNot: "^src/($1|core)/" },
  },
  {
    name: "core-is-pure",
    comment:
      "core imports nothing but core, the types of @standard-schema/spec, the logging facade of @logtape/logtape, which does nothing until an application sets it up, and croner, which reads cron patterns.",
    severity: "error",
    from: { path: "^src/core/" },
    to: {
      pathNot: ["^src/core/", "(^|/)node_modules/(@standard-schema/spec|@logtape/logtape|croner)/"],
    },
  },
  {
    name: "core-takes-only-types",
    comment: "@standard-schema/spec is types only; a value of it would be a dependency of core.",
    severity: "error",
    from: { path: "^src/core/" },
    to: {
      path: "(^|/)node_modules/",
      pathNot: "(^|/)node_modules/(@logtape/logtape|croner)/",
      dependencyTypesNot: ["type-only"],
    },
  },
  {
    name: "agents-through-the-entry",
    comment: 'Agents are written as a user would write them: import from "agentrt".',
    severity: "error",
    from: { path: "^(agents|examples)/" },
    to: { path: "^src/", pathNot: "^src/index\\.ts$" },
  },
  {
    name: "agents-apart",
    comment: "An agent knows the others by their messages (agents/*.ts), never by their code.",
    severity: "error",
    from: { path: "^agents/([^/]+)/" },
    to: { path: "^agents/[^/]+/", pathNot: "^agents/$1/" },
  },
  {
    name: "shared-messages-know-no-agent",
    comment: "What the agents share must not depend on one of them.",
    severity: "error",
    from: { path: "^agents/[^/]+\\.ts$" },
    to: { path: "^agents/[^/]+/" },
  },
  {
    name: "only-cli-starts-agents",
    comment: "The runtime knows no agent; the command line puts the built-in ones to work.",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/cli/" },
    to: { path: "^agents/" },
  },
  {
    name: "generated-code-stays-in-wire",
    comment: "Everything else speaks in the words of core.",
    severity: "error",
    from: { path: "^(src|agents|examples)/", pathNot: "^src/wire/" },
    to: { path: "^src/wire/gen/" },
  },
  {
    name: "protobuf-stays-in-wire",
    comment: "Only wire encodes and decodes.",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/wire/" },
    to: { path: "(^|/)node_modules/@bufbuild/" },
  },
  {
    name: "grpc-stays-below",
    comment: "gRPC is known to wire, and to host and worker for the ends of a connection.",
    severity: "error",
    from: { path: "^(src|agents|examples)/", pathNot: "^src/(wire|host|worker)/" },
    to: { path: "(^|/)node_modules/@grpc/" },
  },
  {
    name: "product-without-tests",
    comment: "What is shipped must not need what is not.",
    severity: "error",
    from: { path: "^(src|agents)/" },
    to: { path: "^(test|bench|examples|scripts)/" },
  },
  {
    name: "product-without-dev-dependencies",
    comment: "Move the package to dependencies in package.json, or do without it.",
    severity: "error",
    from: { path: "^(src|agents)/" },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
  },
  {
    name: "declared-packages-only",
    comment: "The package is not in package.json; it is there by luck.",
    severity: "error",
    from: {},
    to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
  },
  {
    name: "no-unresolvable",
    comment: "The import leads nowhere.",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
];

export default {
  forbidden,
  options: {
    doNotFollow: { path: "node_modules" },
    // bench/peers/nats and mqtt are packages of their own, with dependencies that only the benchmark installs.
    exclude: { path: "^(dist|\\.bun|\\.venv|\\.build|bench/peers/nats|bench/peers/mqtt)/" },
    // Types count: a room that imports another's types knows that room.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    builtInModules: { add: ["bun", "bun:ffi", "bun:jsc", "bun:sqlite", "bun:test"] },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["bun", "import", "require", "node", "default", "types"],
      mainFields: ["module", "main", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
    },
  },
};
