import { create, toBinary } from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
} from "@grpc/grpc-js";
import type { ErrorCode } from "../../core/errors.ts";
import type { Subscription } from "../../core/subscription.ts";
import type { TypePolicy } from "../../core/type-policy.ts";
import { declareCapabilities } from "../capabilities.ts";
import { ownConnectionOptions } from "../channel-options.ts";
import {
  AddSubscriptionRequestSchema,
  GetSubscriptionsRequestSchema,
  RegisterAgentTypeRequestSchema,
  RemoveSubscriptionRequestSchema,
} from "../gen/agents/agent_worker_pb.ts";
import { fromServiceError } from "../grpc-status.ts";
import { LINK } from "../link/service.ts";
import { AGENT_RPC, CLIENT_ID_HEADER, HAND_OVER_HEADER, POLICY_HEADER } from "./service.ts";
import { encodeSubscription } from "./subscription-codec.ts";
import { decodeSubscriptions } from "./unary-codec.ts";

export interface AgentRpcClientOptions {
  readonly maxMessageBytes: number;
}

/** A stream of raw frames in both directions; see the codecs. */
export type FrameStream = ClientDuplexStream<Uint8Array, Uint8Array>;

/**
 * The client side of AutoGen's service on one connection of its own.
 *
 * Deadlines are in milliseconds from now. Every unary call rejects with an AgentrtError:
 * the host's own code, or `NOT_CONNECTED`, `DEADLINE`, `HOST_DRAINING`.
 */
export class AgentRpcClient {
  readonly #client: Client;
  readonly #clientId: string;

  /** @param address `host:port` of the host @param clientId the worker's UUID, sent with each call */
  constructor(address: string, clientId: string, options: AgentRpcClientOptions) {
    this.#clientId = clientId;
    this.#client = new Client(address, credentials.createInsecure(), {
      ...ownConnectionOptions(options.maxMessageBytes),
      // grpc-js says "written" to the first megabyte of a stream at once, to be able to send it again.
      // We never do, and it would hide for too long that the host takes no more.
      "grpc.per_rpc_retry_buffer_size": 0,
    });
  }

  /** @param extra metadata beside the client id */
  openChannel(extra?: Metadata): FrameStream {
    return this.#open(AGENT_RPC.OpenChannel, declareCapabilities(extra ?? new Metadata()));
  }

  /** The stream of agentrt's own dialect. @param extra metadata beside the client id */
  openLink(extra?: Metadata): FrameStream {
    return this.#open(LINK.Open, declareCapabilities(extra ?? new Metadata()));
  }

  openControlChannel(): FrameStream {
    return this.#open(AGENT_RPC.OpenControlChannel);
  }

  /** @throws AgentrtError `AGENT_TYPE_TAKEN`, `POLICY_CONFLICT`, `INVALID_AGENT_ID`, `TOO_MANY` */
  async registerAgent(
    type: string,
    deadlineMs: number,
    options: { readonly policy?: TypePolicy | undefined; readonly canHandOver?: boolean } = {},
  ): Promise<void> {
    const extra = new Metadata();
    if (options.policy !== undefined) {
      extra.set(POLICY_HEADER, options.policy);
    }
    if (options.canHandOver === true) {
      extra.set(HAND_OVER_HEADER, "1");
    }
    const request = create(RegisterAgentTypeRequestSchema, { type });
    const bytes = toBinary(RegisterAgentTypeRequestSchema, request);
    await this.#call(AGENT_RPC.RegisterAgent, bytes, deadlineMs, "AGENT_TYPE_TAKEN", extra);
  }

  /** @throws AgentrtError `SUBSCRIPTION_EXISTS`, `INVALID_TOPIC`, `TOO_MANY` */
  async addSubscription(subscription: Subscription, deadlineMs: number): Promise<void> {
    const request = create(AddSubscriptionRequestSchema, {
      subscription: encodeSubscription(subscription),
    });
    const bytes = toBinary(AddSubscriptionRequestSchema, request);
    await this.#call(AGENT_RPC.AddSubscription, bytes, deadlineMs, "SUBSCRIPTION_EXISTS");
  }

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  async removeSubscription(id: string, deadlineMs: number): Promise<void> {
    const request = create(RemoveSubscriptionRequestSchema, { id });
    const bytes = toBinary(RemoveSubscriptionRequestSchema, request);
    await this.#call(AGENT_RPC.RemoveSubscription, bytes, deadlineMs, "NO_SUCH_SUBSCRIPTION");
  }

  /** All subscriptions that the host knows, of every worker. */
  async getSubscriptions(deadlineMs: number): Promise<Subscription[]> {
    const bytes = toBinary(GetSubscriptionsRequestSchema, create(GetSubscriptionsRequestSchema));
    const answer = await this.#call(AGENT_RPC.GetSubscriptions, bytes, deadlineMs, "BAD_FRAME");
    return decodeSubscriptions(answer);
  }

  /** Ends the connection and everything on it. */
  close(): void {
    this.#client.close();
  }

  #open(method: MethodDefinition<Uint8Array, Uint8Array>, extra?: Metadata): FrameStream {
    return this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#metadata(extra),
    );
  }

  #call(
    method: MethodDefinition<Uint8Array, Uint8Array>,
    request: Uint8Array,
    deadlineMs: number,
    refusal: ErrorCode,
    extra?: Metadata,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(extra),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          if (error !== null) {
            reject(fromServiceError(error, refusal));
          } else {
            resolve(answer ?? new Uint8Array(0));
          }
        },
      );
    });
  }

  #metadata(extra?: Metadata): Metadata {
    const metadata = extra?.clone() ?? new Metadata();
    metadata.set(CLIENT_ID_HEADER, this.#clientId);
    return metadata;
  }
}
