import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { AgentrtError } from "../../core/errors.ts";
import { ownConnectionOptions } from "../channel-options.ts";
import { CODE_HEADER, fromServiceError } from "../grpc-status.ts";
import {
  type DurableAnswer,
  type DurableCall,
  type DurableRequestInit,
  decodeDurableAnswer,
  encodeDurableRequest,
  methodNameOf,
} from "./codec.ts";
import { pathOf } from "./service.ts";

export interface DurableAdminClientOptions {
  readonly maxMessageBytes: number;
}

/** Looks after the durable topics of a host, on a connection of its own. */
export class DurableAdminClient implements Disposable {
  readonly #address: string;
  readonly #client: Client;

  /** @param address `host:port` of the host */
  constructor(address: string, options: DurableAdminClientOptions) {
    this.#address = address;
    this.#client = new Client(
      address,
      credentials.createInsecure(),
      ownConnectionOptions(options.maxMessageBytes),
    );
  }

  /**
   * @param deadlineMs in milliseconds from now; undefined for what takes as long as it takes
   * @throws AgentrtError `NOT_SUPPORTED` when the host is not agentrt, or too old; `DURABLE_NEEDS_DATA`,
   *   `NOT_CONNECTED`, `DEADLINE`, `BAD_FRAME`, and what the call itself may end with
   */
  call<C extends DurableCall>(
    call: C,
    request: DurableRequestInit<C>,
    deadlineMs: number | undefined,
  ): Promise<DurableAnswer<C>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        pathOf(methodNameOf(call)),
        Buffer.from,
        (bytes: Buffer): Uint8Array => bytes,
        encodeDurableRequest(call, request),
        new Metadata(),
        deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          if (
            error?.code === status.UNIMPLEMENTED &&
            error.metadata.get(CODE_HEADER).length === 0
          ) {
            reject(this.#notSupported(error));
          } else if (error !== null) {
            reject(fromServiceError(error));
          } else {
            try {
              resolve(decodeDurableAnswer(call, answer ?? new Uint8Array(0)));
            } catch (thrown) {
              reject(AgentrtError.from(thrown));
            }
          }
        },
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #notSupported(cause: unknown): AgentrtError {
    return new AgentrtError(
      "NOT_SUPPORTED",
      `The host at ${this.#address} has no durable topics: it is not agentrt, or an older one.`,
      { cause },
    );
  }
}
