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

/** gRPC metadata on RegisterAgent, agentrt's own: the policy of the agent type. */
export const POLICY_HEADER = "agentrt-policy";

/** gRPC metadata on RegisterAgent, agentrt's own: the worker can hand over instances; see core/hand-over.ts. */
export const HAND_OVER_HEADER = "agentrt-hand-over";

/** gRPC metadata on OpenChannel, agentrt's own: the event that is published when the worker is lost, as a Message. */
export const WILL_HEADER = "agentrt-will-bin";

/** HTTP/2 peers refuse long headers, so a last will is short. */
export const MAX_WILL_BYTES = 4_096;
