import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

type RawMethod = MethodDefinition<Uint8Array, Uint8Array>;

/** agentrt's own service beside AutoGen's, for people who look after a host. */
export const HOST_INFO_NAME = "agentrt.v1.HostInfo";

/** Methods move plain bytes, as those of AutoGen's service do; see the codec. */
export const HOST_INFO = {
  GetReport: {
    path: `/${HOST_INFO_NAME}/GetReport`,
    requestStream: false,
    responseStream: false,
    requestSerialize: Buffer.from,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: Buffer.from,
    responseDeserialize: (bytes: Buffer) => bytes,
    originalName: "GetReport",
  } satisfies RawMethod,
} as const satisfies ServiceDefinition;
