import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { shorten } from "../core/agent-id.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "./gen/grpc/health/v1/health_pb.ts";

/** More watchers than a host needs; one more is refused. */
const MAX_WATCHERS = 100;

type WatchStream = ServerWritableStream<Uint8Array, Uint8Array>;

function raw(name: string, responseStream: boolean): ServiceDefinition[string] {
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: Buffer.from,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
    responseDeserialize: (bytes: Buffer) => bytes,
    originalName: name,
  };
}

export const HEALTH_SERVICE: ServiceDefinition = {
  Check: raw("Check", false),
  Watch: raw("Watch", true),
};

/**
 * The standard gRPC health service (grpc/grpc, doc/health-checking.md) for the whole server and
 * the services named. Written here because the package for it reads its .proto file from disk at
 * import, which a single executable does not have.
 */
export class HealthService {
  readonly #services: ReadonlySet<string>;
  readonly #onCall: (peer: string) => void;
  readonly #watchers = new Map<WatchStream, string>();
  #isServing = false;

  /**
   * @param services full names of the services that share the server's fate
   * @param onCall told of each call, by the peer's `host:port`
   */
  constructor(services: readonly string[], onCall: (peer: string) => void) {
    this.#services = new Set(["", ...services]);
    this.#onCall = onCall;
  }

  setServing(isServing: boolean): void {
    this.#isServing = isServing;
    for (const [stream, service] of this.#watchers) {
      stream.write(this.#answer(service));
    }
  }

  /** Ends all Watch streams, which would otherwise keep the server from stopping. */
  close(): void {
    for (const stream of this.#watchers.keys()) {
      stream.end();
    }
    this.#watchers.clear();
  }

  readonly implementation = {
    Check: (call: ServerUnaryCall<Uint8Array, Uint8Array>, reply: sendUnaryData<Uint8Array>) => {
      this.#onCall(call.getPeer());
      const service = readService(call.request);
      if (service === undefined) {
        reply({
          code: status.INVALID_ARGUMENT,
          details: "The request is not a HealthCheckRequest.",
        });
      } else if (this.#services.has(service)) {
        reply(null, this.#answer(service));
      } else {
        reply({
          code: status.NOT_FOUND,
          details: `There is no service "${shorten(service)}" here.`,
        });
      }
    },
    Watch: (stream: WatchStream) => {
      this.#onCall(stream.getPeer());
      const service = readService(stream.request);
      if (service === undefined || this.#watchers.size >= MAX_WATCHERS) {
        const code = service === undefined ? status.INVALID_ARGUMENT : status.RESOURCE_EXHAUSTED;
        stream.emit("error", { code, details: "The watch is refused." });
        return;
      }
      // Shortened, since it is kept; the names that are served here are shorter than that.
      this.#watchers.set(stream, shorten(service));
      for (const end of ["cancelled", "close", "error"]) {
        stream.on(end, () => this.#watchers.delete(stream));
      }
      stream.write(this.#answer(service));
    },
  };

  #answer(service: string): Uint8Array {
    return toBinary(
      HealthCheckResponseSchema,
      create(HealthCheckResponseSchema, { status: this.#statusOf(service) }),
    );
  }

  #statusOf(service: string): ServingStatus {
    if (!this.#services.has(service)) {
      return ServingStatus.SERVICE_UNKNOWN;
    }
    return this.#isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }
}

function readService(bytes: Uint8Array): string | undefined {
  try {
    return fromBinary(HealthCheckRequestSchema, bytes).service;
  } catch {
    // Bytes that are no request: the caller is told so by the status that follows.
    return undefined;
  }
}
