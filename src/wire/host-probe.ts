import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AGENT_RPC } from "./autogen/service.ts";
import { ownConnectionOptions } from "./channel-options.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "./gen/grpc/health/v1/health_pb.ts";
import { fromServiceError } from "./grpc-status.ts";

/** What the gRPC health service says; AutoGen's host has none. */
export type HealthVerdict = "serving" | "not-serving" | "not-supported";

const MAX_ANSWER_BYTES = 4 * 1024 ** 2;

/** Looks at a host as somebody who wants to know why it does not work. Deadlines are in milliseconds from now. */
export class HostProbe implements Disposable {
  readonly #client: Client;

  /** @param address `host:port` */
  constructor(address: string) {
    this.#client = new Client(
      address,
      credentials.createInsecure(),
      ownConnectionOptions(MAX_ANSWER_BYTES),
    );
  }

  /** @throws AgentrtError `NOT_CONNECTED`, `DEADLINE` */
  async health(deadlineMs: number): Promise<HealthVerdict> {
    const request = toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema));
    const { error, answer } = await this.#call("/grpc.health.v1.Health/Check", request, deadlineMs);
    if (error?.code === status.UNIMPLEMENTED) {
      return "not-supported";
    }
    if (error !== null) {
      throw fromServiceError(error);
    }
    const { status: serving } = fromBinary(HealthCheckResponseSchema, answer);
    return serving === ServingStatus.SERVING ? "serving" : "not-serving";
  }

  /**
   * How the host takes a call without client-id metadata; undefined when it took it, which a host
   * may for a call that only reads.
   */
  async refusalWithoutClientId(deadlineMs: number): Promise<string | undefined> {
    const path = AGENT_RPC.RegisterAgent.path;
    // An empty agent type, so that nothing is registered where the id is not asked for.
    const { error } = await this.#call(path, new Uint8Array(0), deadlineMs);
    return error === null ? undefined : `${status[error.code] ?? error.code}: ${error.details}`;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #call(
    path: string,
    request: Uint8Array,
    deadlineMs: number,
  ): Promise<{ readonly error: ServiceError | null; readonly answer: Uint8Array }> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        Buffer.from,
        (bytes: Buffer): Uint8Array => bytes,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => resolve({ error, answer: answer ?? new Uint8Array(0) }),
      );
    });
  }
}
