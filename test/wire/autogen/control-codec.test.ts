import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import type { ControlAddress, ControlBody, ControlEnvelope } from "../../../src/core/control.ts";
import { decodeControl, encodeControl } from "../../../src/wire/autogen/control-codec.ts";
import {
  ControlMessageSchema,
  SaveStateRequestSchema,
} from "../../../src/wire/gen/agents/agent_worker_pb.ts";
import { agentId, anyText, someText } from "../../kit/arbitraries.ts";
import { thrownBy } from "../../kit/thrown.ts";
import { ReadingSchema } from "../../proto/gen/agentrt/test/v1/reading_pb.ts";

const address: fc.Arbitrary<ControlAddress> = fc.oneof(
  agentId.map((id): ControlAddress => ({ kind: "agent", agentId: id })),
  anyText.map((clientId): ControlAddress => ({ kind: "client", clientId })),
);
const error = fc.option(someText, { nil: undefined });
const body: fc.Arbitrary<ControlBody> = fc.oneof(
  fc.record({ kind: fc.constant("save-state-request" as const), agentId }),
  fc.record({ kind: fc.constant("save-state-response" as const), state: anyText, error }),
  fc.record({ kind: fc.constant("load-state-request" as const), agentId, state: anyText }),
  fc.record({ kind: fc.constant("load-state-response" as const), error }),
);
const control: fc.Arbitrary<ControlEnvelope> = fc.record({
  kind: fc.constant("control" as const),
  rpcId: anyText,
  destination: address,
  respondTo: fc.option(address, { nil: undefined }),
  body,
});

const plain = (envelope: ControlEnvelope): unknown => JSON.parse(JSON.stringify(envelope));

test("control codec - every message comes back as it was", () => {
  fc.assert(
    fc.property(control, (envelope) => {
      expect(plain(decodeControl(encodeControl(envelope)))).toEqual(plain(envelope));
    }),
    { numRuns: 300 },
  );
});

test("control codec - an empty respond_to and an empty error count as absent", () => {
  const bytes = encodeControl({
    kind: "control",
    rpcId: "1",
    destination: { kind: "client", clientId: "c" },
    respondTo: undefined,
    body: { kind: "load-state-response", error: "" },
  });
  const decoded = decodeControl(bytes);
  expect(decoded.body).toEqual({ kind: "load-state-response", error: undefined });
  const withEmpty = create(ControlMessageSchema, {
    destination: "clientid=c",
    respondTo: "",
    rpcMessage: anyPack(
      SaveStateRequestSchema,
      create(SaveStateRequestSchema, { agentId: { type: "a", key: "b" } }),
    ),
  });
  expect(decodeControl(toBinary(ControlMessageSchema, withEmpty)).respondTo).toBeUndefined();
});

function frame(message: Parameters<typeof create<typeof ControlMessageSchema>>[1]): Uint8Array {
  return toBinary(ControlMessageSchema, create(ControlMessageSchema, message));
}

const saveNobody = anyPack(SaveStateRequestSchema, create(SaveStateRequestSchema, {}));
const reading = anyPack(ReadingSchema, create(ReadingSchema, {}));
const saveDamaged = { typeUrl: saveNobody.typeUrl, value: Uint8Array.of(0xff) };

test.each([
  ["no protobuf", Uint8Array.of(0xff), "BAD_FRAME", { isUnreadable: true }],
  ["no destination", frame({ rpcMessage: saveNobody }), "BAD_FRAME", {}],
  [
    "an illegal agent as destination",
    frame({ destination: "agentid=a b/c", rpcMessage: saveNobody }),
    "INVALID_AGENT_ID",
    {},
  ],
  ["no body", frame({ destination: "clientid=c" }), "BAD_FRAME", {}],
  [
    "a body of another type",
    frame({ destination: "clientid=c", rpcMessage: reading }),
    "BAD_FRAME",
    {},
  ],
  [
    "a damaged body",
    frame({ destination: "clientid=c", rpcMessage: saveDamaged }),
    "BAD_FRAME",
    {},
  ],
  [
    "a save without agent",
    frame({ destination: "clientid=c", rpcMessage: saveNobody }),
    "BAD_FRAME",
    {},
  ],
] as const)("control codec - %s is refused", (_what, bad, code, data) => {
  const thrown = thrownBy(() => decodeControl(bad));
  expect([thrown.code, thrown.data]).toEqual([code, data]);
});

test("control codec - random bytes give a message or an AgentrtError, nothing else", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(control, fc.array(fc.tuple(fc.nat(), fc.nat(255)))).map(([envelope, damage]) => {
      const damaged = Uint8Array.from(encodeControl(envelope));
      for (const [at, value] of damage) {
        damaged[at % damaged.length] = value;
      }
      return damaged;
    }),
  );
  fc.assert(
    fc.property(noise, (bytes) => {
      try {
        expect(decodeControl(bytes).kind).toBe("control");
      } catch (thrown) {
        expect(thrown).toHaveProperty("name", "AgentrtError");
      }
    }),
    { numRuns: 1_000 },
  );
});
