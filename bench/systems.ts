import { join } from "node:path";
import type { Tools, Versions } from "./tools.ts";

/** A host or server, and how its programs are started. */
export interface System {
  readonly name: string;
  /** Versions and settings, for the reader. */
  readonly text: string;
  hostCommand(place: Place): readonly string[];
  /** Flags of a host that is measured under load, not while it starts. */
  readonly quietFlags?: readonly string[];
  /** Files that the host wants, by name in its folder. */
  files?(place: Place): Readonly<Record<string, string>>;
  /** A line with this on standard error says that it is ready. */
  readonly readyText: string;
  /** The command of one of its programs, such as `publisher`. */
  program(name: string): readonly string[];
}

export interface Place {
  readonly port: number;
  /** Of its own, empty, on a disk; removed afterwards. */
  readonly folder: string;
}

export interface Systems {
  readonly agentrt: System;
  /** With a data folder, as durable topics need one. */
  readonly agentrtData: System;
  readonly agentrtPython: System;
  readonly autogen: System;
  readonly nats: System;
  readonly jetstream: System;
  readonly mosquitto: System;
  readonly mosquittoStrict: System;
}

export function systemsFor(tools: Tools, versions: Versions): Systems {
  const typescript = (peer: string) => (name: string) => [
    tools.bun,
    `bench/peers/${peer}/${name}.ts`,
  ];
  const python = (name: string) => [tools.python, `bench/peers/autogen/${name}.py`];
  const pythonWorkers = `autogen-ext ${versions.autogen} workers (grpcio ${versions.grpcio}, Python ${versions.python}), defaults`;
  const agentrt: System = {
    name: "agentrt",
    text: `agentrt ${versions.agentrt}: the host is the compiled program, page off, no data folder, log from warning up; TypeScript workers under Bun`,
    hostCommand: ({ port }) => [...agentrtHost(tools, port), "--data", "none"],
    quietFlags: ["--log-level", "warning"],
    readyText: "host ready",
    program: typescript("agentrt"),
  };
  const nats: System = {
    name: "NATS",
    text: `nats-server ${versions.natsServer} (core NATS, no JetStream), defaults, and @nats-io/transport-node ${versions.natsClient} under the same Bun`,
    hostCommand: ({ port }) => [tools.natsServer, "--addr", "127.0.0.1", "--port", String(port)],
    readyText: "Server is ready",
    program: typescript("nats"),
  };
  const mosquitto: System = {
    name: "Mosquitto",
    text: `Debian's mosquitto ${versions.mosquitto}, persistence on at its default (written every 30 minutes, so an acknowledgement promises little), no limit of queued messages, and mqtt ${versions.mqttClient} under the same Bun, QoS 1`,
    hostCommand: ({ folder }) => [tools.mosquitto, "-c", join(folder, "mosquitto.conf")],
    files: (place) => ({ "mosquitto.conf": mosquittoConfig(place, []) }),
    readyText: " running",
    program: typescript("mqtt"),
  };
  return {
    agentrt,
    agentrtData: {
      ...agentrt,
      name: "agentrt, durable",
      text: "as agentrt, with a data folder and the topic declared durable",
      hostCommand: ({ port, folder }) => [
        ...agentrtHost(tools, port),
        "--data",
        join(folder, "data"),
      ],
    },
    agentrtPython: {
      ...agentrt,
      name: "agentrt host, Python workers",
      text: `the host as in agentrt, and ${pythonWorkers}`,
      program: python,
    },
    autogen: {
      name: "AutoGen host, Python workers",
      text: `AutoGen's Python host, autogen-ext ${versions.autogen}, defaults, and ${pythonWorkers}`,
      hostCommand: ({ port }) => [...python("host"), "--address", `127.0.0.1:${port}`],
      readyText: "",
      program: python,
    },
    nats,
    jetstream: {
      ...nats,
      name: "NATS JetStream",
      text: `the same server with JetStream, file storage and sync_interval: always; @nats-io/jetstream ${versions.natsClient}`,
      hostCommand: ({ folder }) => [tools.natsServer, "--config", join(folder, "nats.conf")],
      files: ({ port, folder }) => ({
        "nats.conf": [
          `listen: "127.0.0.1:${port}"`,
          `jetstream { store_dir: "${join(folder, "jetstream")}", sync_interval: always }`,
          "",
        ].join("\n"),
      }),
    },
    mosquitto,
    mosquittoStrict: {
      ...mosquitto,
      name: "Mosquitto, written at each change",
      text: "the same with autosave_on_changes and autosave_interval 1, so that it writes all that it keeps at every change, the most that it offers",
      files: (place) => ({
        "mosquitto.conf": mosquittoConfig(place, [
          "autosave_on_changes true",
          "autosave_interval 1",
        ]),
      }),
    },
  };
}

function agentrtHost(tools: Tools, port: number): readonly string[] {
  return [tools.agentrt, ...["--role", "host", "--listen", `127.0.0.1:${port}`, "--http", "off"]];
}

function mosquittoConfig({ port, folder }: Place, more: readonly string[]): string {
  return [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "persistence true",
    `persistence_location ${folder}/`,
    "max_queued_messages 0",
    "max_inflight_messages 0",
    // As root it would become another user, who may not write to the folder.
    "user root",
    ...more,
    "",
  ].join("\n");
}
