/** Real runtimes on a real host, both in this process. */
import {
  GrpcWorkerAgentRuntime,
  GrpcWorkerAgentRuntimeHost,
  type HostOptions,
  type MessageType,
  type WorkerOptionsInput,
} from "agentrt";

export async function startHost(
  options: Partial<HostOptions> = {},
): Promise<GrpcWorkerAgentRuntimeHost> {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0", ...options });
  await host.start();
  return host;
}

/** Makes `join`, whose runtimes know the message types that the tests of a file use. */
export function joinKnowing(...types: readonly MessageType<object>[]) {
  return async (
    host: GrpcWorkerAgentRuntimeHost,
    options: WorkerOptionsInput = {},
  ): Promise<GrpcWorkerAgentRuntime> => {
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address, ...options });
    for (const type of types) {
      runtime.addMessageType(type);
    }
    await runtime.start();
    return runtime;
  };
}
