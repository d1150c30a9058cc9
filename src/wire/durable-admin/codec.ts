import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { Durable } from "../gen/agentrt/v1/durable_pb.ts";

type Calls = typeof Durable.method;

/** The calls of the service, such as `setTopic`. */
export type DurableCall = keyof Calls;
export type DurableRequest<C extends DurableCall> = MessageShape<Calls[C]["input"]>;
export type DurableRequestInit<C extends DurableCall> = MessageInitShape<Calls[C]["input"]>;
export type DurableAnswerInit<C extends DurableCall> = MessageInitShape<Calls[C]["output"]>;
export type DurableAnswer<C extends DurableCall> = Plain<MessageShape<Calls[C]["output"]>>;

/** A message of protobuf as plain data: 64-bit numbers are numbers. */
export type Plain<T> = T extends bigint
  ? number
  : T extends string | number | boolean | undefined | Uint8Array
    ? T
    : T extends readonly (infer E)[]
      ? readonly Plain<E>[]
      : { readonly [K in keyof T as Exclude<K, "$typeName" | "$unknown">]: Plain<T[K]> };

export const DURABLE_CALLS = Object.keys(Durable.method) as readonly DurableCall[];

/** The call's name in the .proto file. */
export function methodNameOf(call: DurableCall): string {
  return Durable.method[call].name;
}

export function encodeDurableRequest<C extends DurableCall>(
  call: C,
  request: DurableRequestInit<C>,
): Uint8Array {
  const schema: Calls[C]["input"] = Durable.method[call].input;
  return toBinary(schema, create(schema, request));
}

/** @throws AgentrtError `BAD_FRAME` */
export function decodeDurableRequest<C extends DurableCall>(
  call: C,
  bytes: Uint8Array,
): DurableRequest<C> {
  const schema: Calls[C]["input"] = Durable.method[call].input;
  return parse(schema, bytes);
}

export function encodeDurableAnswer<C extends DurableCall>(
  call: C,
  answer: DurableAnswerInit<C>,
): Uint8Array {
  const schema: Calls[C]["output"] = Durable.method[call].output;
  return toBinary(schema, create(schema, answer));
}

/** @throws AgentrtError `BAD_FRAME` */
export function decodeDurableAnswer<C extends DurableCall>(
  call: C,
  bytes: Uint8Array,
): DurableAnswer<C> {
  const schema: Calls[C]["output"] = Durable.method[call].output;
  // What `plainOf` makes of a message is what `Plain` says of its type.
  return plainOf(parse(schema, bytes)) as DurableAnswer<C>;
}

function parse<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new AgentrtError(
      "BAD_FRAME",
      `The message is not a ${schema.typeName}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function plainOf(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number(value);
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(plainOf);
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "$typeName" && name !== "$unknown")
      .map(([name, inner]) => [name, plainOf(inner)]),
  );
}
