import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { Durable } from "../gen/agentrt/v1/durable_pb.ts";

/** agentrt's own service for who looks after the durable topics of a host. */
export const DURABLE_NAME = Durable.typeName;

type RawMethod = MethodDefinition<Uint8Array, Uint8Array>;

/** Methods move plain bytes, as those of AutoGen's service do; see the codec. */
export const DURABLE: ServiceDefinition = Object.fromEntries(
  Durable.methods.map(({ name }) => [
    name,
    {
      path: pathOf(name),
      requestStream: false,
      responseStream: false,
      requestSerialize: Buffer.from,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: Buffer.from,
      responseDeserialize: (bytes: Buffer) => bytes,
      originalName: name,
    } satisfies RawMethod,
  ]),
);

/** @param method as in the .proto file, such as `SetTopic` */
export function pathOf(method: string): string {
  return `/${DURABLE_NAME}/${method}`;
}
