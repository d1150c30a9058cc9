/** Paths and commands that `run.sh` has made ready. */
export interface Tools {
  readonly repository: string;
  readonly bun: string;
  readonly agentrt: string;
  readonly natsServer: string;
  readonly python: string;
}

/** The versions that the report names. */
export interface Versions {
  readonly agentrt: string;
  readonly natsServer: string;
  readonly natsClient: string;
  readonly python: string;
  readonly autogen: string;
  readonly grpcio: string;
}

/** One combination of a host and its workers. */
export interface Setup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Messages and calls before the measurement: enough that just-in-time compilers are done. */
  readonly warmUp: { readonly messages: number; readonly calls: number };
  hostCommand(port: number): readonly string[];
  publisher: readonly string[];
  subscriber: readonly string[];
  caller: readonly string[];
  callee: readonly string[];
}

type Programs = Pick<Setup, "publisher" | "subscriber" | "caller" | "callee">;

/** All setups; the first is the one that the others are compared with. */
export function setupsFor(tools: Tools, versions: Versions): readonly Setup[] {
  const typescript = (peer: string): Programs => ({
    publisher: [tools.bun, `bench/peers/${peer}/publisher.ts`],
    subscriber: [tools.bun, `bench/peers/${peer}/subscriber.ts`],
    caller: [tools.bun, `bench/peers/${peer}/caller.ts`],
    callee: [tools.bun, `bench/peers/${peer}/callee.ts`],
  });
  const python: Programs = {
    publisher: [tools.python, "bench/peers/autogen/publisher.py"],
    subscriber: [tools.python, "bench/peers/autogen/subscriber.py"],
    caller: [tools.python, "bench/peers/autogen/caller.py"],
    callee: [tools.python, "bench/peers/autogen/callee.py"],
  };
  const agentrtHost = (port: number): readonly string[] => [
    tools.agentrt,
    ...["--role", "host", "--listen", `127.0.0.1:${port}`],
    ...["--http", "off", "--data", "none", "--log-level", "warning"],
  ];
  const autogenHost = (port: number): readonly string[] => [
    tools.python,
    "bench/peers/autogen/host.py",
    ...["--address", `127.0.0.1:${port}`],
  ];
  const pythonWorkers = `autogen-ext ${versions.autogen} workers (grpcio ${versions.grpcio}, Python ${versions.python}), defaults`;
  const autogenHostText = `AutoGen's Python host, autogen-ext ${versions.autogen}, defaults`;
  return [
    {
      id: "agentrt",
      name: "agentrt",
      description: `agentrt ${versions.agentrt} host (compiled, page off, no data folder) and TypeScript workers`,
      warmUp: { messages: 20_000, calls: 4_000 },
      hostCommand: agentrtHost,
      ...typescript("agentrt"),
    },
    {
      id: "agentrt-python",
      name: "agentrt host, Python workers",
      description: `agentrt ${versions.agentrt} host as above and ${pythonWorkers}`,
      warmUp: { messages: 1_000, calls: 500 },
      hostCommand: agentrtHost,
      ...python,
    },
    {
      id: "autogen-typescript",
      name: "AutoGen host, agentrt workers",
      description: `${autogenHostText}, and agentrt's TypeScript workers`,
      warmUp: { messages: 1_000, calls: 500 },
      hostCommand: autogenHost,
      ...typescript("agentrt"),
    },
    {
      id: "autogen-python",
      name: "AutoGen host, Python workers",
      description: `${autogenHostText}, and ${pythonWorkers}`,
      warmUp: { messages: 1_000, calls: 500 },
      hostCommand: autogenHost,
      ...python,
    },
    {
      id: "nats",
      name: "NATS",
      description: `nats-server ${versions.natsServer} (core NATS, no JetStream), defaults, and @nats-io/transport-node ${versions.natsClient}`,
      warmUp: { messages: 200_000, calls: 4_000 },
      hostCommand: (port) => [tools.natsServer, "--addr", "127.0.0.1", "--port", String(port)],
      ...typescript("nats"),
    },
  ];
}
