import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { AgentrtError } from "../../core/errors.ts";
import { ownConnectionOptions } from "../channel-options.ts";
import { fromServiceError } from "../grpc-status.ts";
import {
  decodeReportAnswer,
  encodeReportRequest,
  type ReportAnswer,
  type ReportQuery,
} from "./codec.ts";
import { HOST_INFO } from "./service.ts";

export interface HostInfoClientOptions {
  readonly maxMessageBytes: number;
}

/** Asks a host for its report, on a connection of its own. */
export class HostInfoClient implements Disposable {
  readonly #address: string;
  readonly #client: Client;

  /** @param address `host:port` of the host */
  constructor(address: string, options: HostInfoClientOptions) {
    this.#address = address;
    this.#client = new Client(
      address,
      credentials.createInsecure(),
      ownConnectionOptions(options.maxMessageBytes),
    );
  }

  /**
   * @param deadlineMs in milliseconds from now
   * @throws AgentrtError `NOT_SUPPORTED` when the host is not agentrt, or too old; `NOT_CONNECTED`,
   *   `DEADLINE`, `BAD_FRAME`
   */
  getReport(query: ReportQuery, deadlineMs: number): Promise<ReportAnswer> {
    const { path, requestSerialize, responseDeserialize } = HOST_INFO.GetReport;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        encodeReportRequest(query),
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          if (error?.code === status.UNIMPLEMENTED) {
            reject(this.#notSupported(error));
          } else if (error !== null) {
            reject(fromServiceError(error));
          } else {
            try {
              resolve(decodeReportAnswer(answer ?? new Uint8Array(0)));
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
      `The host at ${this.#address} does not report on itself: it is not agentrt, or an older one.`,
      { cause },
    );
  }
}
