import {
  type AgentRuntime,
  GrpcWorkerAgentRuntime,
  GrpcWorkerAgentRuntimeHost,
  type RuntimeOptionsInput,
  type RuntimeReport,
  SingleThreadedAgentRuntime,
} from "agentrt";

export type ReportingRuntime = AgentRuntime & { report(): RuntimeReport };

/** Where a contract test plays: agents are registered on one runtime, and called from another or the same. */
export interface Stage extends AsyncDisposable {
  readonly agents: ReportingRuntime;
  readonly callers: ReportingRuntime;
}

export interface StageKind {
  readonly name: string;
  start(options?: RuntimeOptionsInput): Promise<Stage>;
}

async function inOneProcess(options: RuntimeOptionsInput = {}): Promise<Stage> {
  const runtime = new SingleThreadedAgentRuntime({ drainTimeoutMs: 0, ...options });
  await runtime.start();
  return {
    agents: runtime,
    callers: runtime,
    [Symbol.asyncDispose]: async () => await runtime.stop(),
  };
}

async function overHost(workers: 1 | 2, options: RuntimeOptionsInput = {}): Promise<Stage> {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
  await host.start();
  const join = async (): Promise<GrpcWorkerAgentRuntime> => {
    const hostAddress = host.address;
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress, drainTimeoutMs: 0, ...options });
    await runtime.start();
    return runtime;
  };
  const agents = await join();
  const callers = workers === 1 ? agents : await join();
  return {
    agents,
    callers,
    [Symbol.asyncDispose]: async () => {
      await agents.stop();
      await callers.stop();
      await host.stop();
    },
  };
}

export const STAGES: readonly StageKind[] = [
  { name: "in one process", start: inOneProcess },
  { name: "one worker on a host", start: async (options) => await overHost(1, options) },
  { name: "two workers on a host", start: async (options) => await overHost(2, options) },
];
