import { crc32 } from "node:zlib";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { decodeMessage } from "../../src/wire/autogen/codec.ts";
import {
  type FrameSchema,
  OpenRequestSchema,
  type RegistrationSchema,
} from "../../src/wire/gen/agentrt/v1/link_pb.ts";
import { encodeBatchFrame, OpenBatch, type Packing } from "../../src/wire/link/batch-frame.ts";
import { type LinkFrame, readPacket } from "../../src/wire/link/frames.ts";
import { LINK } from "../../src/wire/link/service.ts";
import { waitFor } from "../kit/wait.ts";

type Frame = NonNullable<MessageInitShape<typeof FrameSchema>["frame"]>;

/** A worker that speaks the dialect as its .proto file says, and nothing of ours. */
export class RawWorker implements Disposable {
  readonly frames: LinkFrame[] = [];
  readonly rpc: AgentRpcClient;
  readonly clientId: string;
  readonly #client: Client;
  readonly stream: ClientDuplexStream<Uint8Array, Uint8Array>;
  error: Error | undefined;

  constructor(address: string, clientId: string) {
    this.clientId = clientId;
    this.rpc = new AgentRpcClient(address, clientId, { maxMessageBytes: 1e6 });
    this.#client = new Client(address, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set("client-id", clientId);
    this.stream = this.#client.makeBidiStreamRequest(
      LINK.Open.path,
      LINK.Open.requestSerialize,
      LINK.Open.responseDeserialize,
      metadata,
    );
    this.stream.on("data", (packet: Uint8Array) => this.frames.push(...readPacket(packet)));
    this.stream.on("error", (error) => {
      this.error = error;
    });
  }

  send(...frames: readonly Frame[]): void {
    const packet = create(OpenRequestSchema, { frames: frames.map((frame) => ({ frame })) });
    this.stream.write(toBinary(OpenRequestSchema, packet));
  }

  async greet(
    producer = `${this.clientId}.1`,
    windowBytes = 1_000_000n,
    windowMessages = 0n,
  ): Promise<void> {
    const value = { version: 1, producer, windowBytes, windowMessages };
    this.send({ case: "hello", value });
    await waitFor(() => this.controls("welcome").length > 0, { what: "a welcome" });
  }

  /** Greets with registrations, and with what it can do. */
  async register(
    registrations: readonly MessageInitShape<typeof RegistrationSchema>[],
    producer = `${this.clientId}.1`,
    capabilities: readonly string[] = [],
  ): Promise<void> {
    const value = { version: 1, producer, windowBytes: 1_000_000n };
    const more = { registrations: [...registrations], capabilities: [...capabilities] };
    this.send({ case: "hello", value: { ...value, ...more } });
    await waitFor(() => this.controls("welcome").length > 0, { what: "a welcome" });
  }

  agree(number: number, topicType: string, headers: Record<string, string> = {}): void {
    const value = { number, topicType, topicSource: "s", dataType: "D", contentType: "c", headers };
    this.send({ case: "route", value });
  }

  publish(route: number, sequence: number, ...texts: readonly string[]): void {
    const batch = new OpenBatch();
    for (const text of texts) {
      batch.append(Buffer.from(text), undefined);
    }
    this.stream.write(batch.close(route, sequence));
  }

  /** Publishes a batch as it is given. Returns its bytes. */
  publishPacked(sequence: number, count: number, head: Packing, records: Uint8Array): Uint8Array {
    const batch = { route: 1, sequence, position: 0, count, checksum: crc32(records) };
    const frame = encodeBatchFrame({ ...batch, packing: head }, records);
    this.stream.write(frame);
    return frame;
  }

  agreeCalls(number: number, targetType: string, targetKey = "k"): void {
    const value = { number, targetType, targetKey, dataType: "D", contentType: "c" };
    this.send({ case: "route", value });
  }

  agreeAnswers(number: number): void {
    this.send({ case: "route", value: { number, dataType: "R", contentType: "c" } });
  }

  send32(tag: "call" | "answer", route: number, id: number, text: string): void {
    this.send({ case: tag, value: { route, id, data: Buffer.from(text) } });
  }

  linked(kind: "call" | "answer"): readonly { route: number; id: number; text: string }[] {
    return this.frames.flatMap((frame) =>
      frame.kind === kind && "renumbered" in frame
        ? [{ route: frame.route, id: frame.id, text: Buffer.from(frame.data).toString() }]
        : [],
    );
  }

  messages(): readonly ReturnType<typeof decodeMessage>[] {
    return this.frames.flatMap((frame) =>
      frame.kind === "message" ? [decodeMessage(frame.message)] : [],
    );
  }

  controls(name: NonNullable<Frame["case"]>): readonly unknown[] {
    return this.frames.flatMap((frame) =>
      frame.kind === "control" && frame.frame.case === name ? [frame.frame.value] : [],
    );
  }

  batches(): readonly string[] {
    return this.frames.flatMap((frame) =>
      frame.kind === "batch"
        ? [
            `${frame.route}:${frame.sequence}+${frame.count} ${Buffer.from(frame.records).toString()}`,
          ]
        : [],
    );
  }

  async subscribe(agentType: string, topicType: string): Promise<void> {
    await this.rpc.registerAgent(agentType, 5_000);
    await this.rpc.addSubscription(new TypeSubscription(topicType, agentType), 5_000);
  }

  [Symbol.dispose](): void {
    this.stream.cancel();
    this.#client.close();
    this.rpc.close();
  }
}
