import { afterAll, beforeAll } from "bun:test";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { type Language, Peer } from "./peer.ts";

/**
 * For `setDefaultTimeout` of each test file: above the time limits of the peers and the kit, whose errors
 * say what was waited for. Bun ends all of a file's processes when a test is over time, so that
 * those after it would fail too.
 */
export const TEST_TIMEOUT_MS = 60_000;
/** For what a file does before its tests; the first may have to install AutoGen. */
export const SETUP_TIMEOUT_MS = 300_000;

/** A host that is ready for workers. */
export interface RunningHost extends AsyncDisposable {
  /** Address and port that workers dial. */
  readonly address: string;
}

/** The compiled host under test. */
export class AgentrtHost implements RunningHost {
  readonly address: string;
  readonly process: AgentrtProcess;

  private constructor(process: AgentrtProcess, address: string) {
    this.process = process;
    this.address = address;
  }

  static async start(flags: readonly string[] = []): Promise<AgentrtHost> {
    const fixed = ["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", "none"];
    const process = startAgentrt([...fixed, ...flags]);
    const ready = await process.waitForLog("host ready");
    return new AgentrtHost(process, String(ready.properties["listen"]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** AutoGen's own Python host. */
export async function startAutogenHost(): Promise<RunningHost> {
  const address = `127.0.0.1:${await freePort()}`;
  const peer = await Peer.autogenHost(address);
  return { address, [Symbol.asyncDispose]: async () => await peer.kill() };
}

/** A host and the workers that a whole test file uses: starting a Python process takes a second or two. */
export interface Stage {
  readonly host: RunningHost;
  readonly py: readonly [Peer, Peer];
  /** Publishes protobuf data, which AutoGen decides for a whole worker. */
  readonly pyProtobuf: Peer;
  readonly ts: readonly [Peer, Peer];
}

/** Sender and receiver of a test, by language. */
export interface Pair {
  readonly from: Language;
  readonly to: Language;
}

/** All pairs with AutoGen in them. */
export const PAIRS: readonly Pair[] = [
  { from: "py", to: "py" },
  { from: "py", to: "ts" },
  { from: "ts", to: "py" },
];

/** Sets the stage before the tests of a file and clears it after them. */
export function useStage(startHost: () => Promise<RunningHost>): () => Stage {
  const stack = new AsyncDisposableStack();
  let stage: Stage | undefined;
  beforeAll(async () => {
    const host = stack.use(await startHost());
    const { address } = host;
    const starts = [
      Peer.python(address),
      Peer.python(address),
      Peer.python(address, "protobuf"),
      Peer.typescript(address),
      Peer.typescript(address),
    ] as const;
    for (const result of await Promise.allSettled(starts)) {
      if (result.status === "fulfilled") {
        stack.use(result.value);
      }
    }
    const [py0, py1, pyProtobuf, ts0, ts1] = await Promise.all(starts);
    stage = { host, py: [py0, py1], pyProtobuf, ts: [ts0, ts1] };
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => await stack.disposeAsync());
  return () => {
    if (stage === undefined) {
      throw new Error("The stage is set when the tests run, not before.");
    }
    return stage;
  };
}

let names = 0;

/** A name that no other test of the run uses, so that tests share a host without meeting. */
export function fresh(stem: string): string {
  names += 1;
  return `${stem}_${names}`;
}
