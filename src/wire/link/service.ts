import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

type RawMethod = MethodDefinition<Uint8Array, Uint8Array>;

/** agentrt's own dialect on the port of AutoGen's service; see proto/agentrt/v1/link.proto. */
export const LINK_NAME = "agentrt.v1.Link";

/** The version of the dialect that this program speaks. */
export const LINK_VERSION = 1;

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The method moves plain bytes; see the codec in frames.ts. */
export const LINK = {
  Open: {
    path: `/${LINK_NAME}/Open`,
    requestStream: true,
    responseStream: true,
    requestSerialize: toBuffer,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: toBuffer,
    responseDeserialize: (bytes: Buffer) => bytes,
    originalName: "Open",
  } satisfies RawMethod,
} as const satisfies ServiceDefinition;
