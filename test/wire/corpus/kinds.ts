/** Which kinds of messages there are by the .proto files, and which of them a message has. */
import {
  createRegistry,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { file_agentrt_v1_link, Link } from "../../../src/wire/gen/agentrt/v1/link_pb.ts";
import {
  AgentRpc,
  file_agents_agent_worker,
} from "../../../src/wire/gen/agents/agent_worker_pb.ts";
import { file_io_cloudevents_v1_cloudevents } from "../../../src/wire/gen/io/cloudevents/v1/cloudevents_pb.ts";

const FILES = [file_agentrt_v1_link, file_agents_agent_worker, file_io_cloudevents_v1_cloudevents];
const registry = createRegistry(...FILES);
const METHODS = new Map(
  [Link, AgentRpc].flatMap((service) =>
    service.methods.map((method): [string, DescMethod] => [
      `/${service.typeName}/${method.name}`,
      method,
    ]),
  ),
);

/** Every choice of every `oneof`, and every message of the two services. */
export function allKinds(): readonly string[] {
  return FILES.flatMap(({ messages }) =>
    messages.flatMap((message) => [
      message.typeName,
      ...message.oneofs.flatMap(({ fields }) => fields.map((field) => kindOf(message, field.name))),
    ]),
  );
}

/** What of that is in the bytes, read by protobuf's own code. */
export function kindsIn(method: string, from: "worker" | "host", bytes: Uint8Array): Set<string> {
  const { input, output } = METHODS.get(method) ?? fail(method);
  const kinds = new Set<string>();
  const schema = from === "worker" ? input : output;
  visit(reflect(schema, fromBinary(schema, bytes)), kinds);
  return kinds;
}

function visit(message: ReflectMessage, kinds: Set<string>): void {
  const { desc } = message;
  kinds.add(desc.typeName);
  for (const field of message.fields) {
    if (!message.isSet(field)) {
      continue;
    }
    if (field.oneof !== undefined) {
      kinds.add(kindOf(desc, field.name));
    }
    const value = message.get(field);
    if (field.fieldKind === "message") {
      visitMessage(value as ReflectMessage, kinds);
    } else if (field.fieldKind === "list" && field.listKind === "message") {
      for (const item of value as Iterable<ReflectMessage>) {
        visitMessage(item, kinds);
      }
    } else if (field.fieldKind === "map" && field.mapKind === "message") {
      for (const [, item] of value as Iterable<[unknown, ReflectMessage]>) {
        visitMessage(item, kinds);
      }
    }
  }
}

function visitMessage(message: ReflectMessage, kinds: Set<string>): void {
  visit(message, kinds);
  if (message.desc.typeName === AnySchema.typeName) {
    const inner: Message | undefined = anyUnpack(message.message as Any, registry);
    const schema: DescMessage | undefined = inner && registry.getMessage(inner.$typeName);
    if (inner !== undefined && schema !== undefined) {
      visit(reflect(schema, inner), kinds);
    }
  }
}

const kindOf = ({ typeName }: DescMessage, field: string): string => `${typeName}.${field}`;

function fail(method: string): never {
  throw new Error(`The corpus has a message of ${method}, which no service has.`);
}
