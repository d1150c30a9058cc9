import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

/** Every method moves plain bytes: frames are read by the codecs, so that bad ones are counted and answered by us. */
type RawMethod = MethodDefinition<Uint8Array, Uint8Array>;

function raw(name: string, isStream: boolean): RawMethod {
  return {
    path: `/agents.AgentRpc/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: toBuffer,
    requestDeserialize: asIs,
    responseSerialize: toBuffer,
    responseDeserialize: asIs,
    originalName: name,
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asIs(bytes: Buffer): Uint8Array {
  return bytes;
}

/** AutoGen's service, method for method. Source: AutoGen protocol, "Service". */
export const AGENT_RPC = {
  OpenChannel: raw("OpenChannel", true),
  OpenControlChannel: raw("OpenControlChannel", true),
  RegisterAgent: raw("RegisterAgent", false),
  AddSubscription: raw("AddSubscription", false),
  RemoveSubscription: raw("RemoveSubscription", false),
  GetSubscriptions: raw("GetSubscriptions", false),
} as const satisfies ServiceDefinition;

export const AGENT_RPC_NAME = "agents.AgentRpc";

/** gRPC metadata that names a worker on each of its calls. */
export const CLIENT_ID_HEADER = "client-id";
