/**
 * Random sequences, valid and not, from several clients, as bytes: streams that open, are replaced, close
 * and break, registrations, events, calls with answers, the control channel, frames cut and changed at
 * random. After each step everybody has got what a plain account says, and nobody anything else.
 */
import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { AgentId } from "../../src/core/agent-id.ts";
import type { ControlAddress } from "../../src/core/control.ts";
import { encodeMessage } from "../../src/wire/autogen/codec.ts";
import { encodeControl } from "../../src/wire/autogen/control-codec.ts";
import { encodeSubscription } from "../../src/wire/autogen/subscription-codec.ts";
import { decodeSubscriptions } from "../../src/wire/autogen/unary-codec.ts";
import {
  AddSubscriptionRequestSchema,
  MessageSchema,
  RegisterAgentTypeRequestSchema,
  RemoveSubscriptionRequestSchema,
} from "../../src/wire/gen/agents/agent_worker_pb.ts";
import { closeSubscription, closeTopicType } from "../kit/arbitraries.ts";
import { CLIENTS, Fuzzed } from "./fuzzed.ts";
import { event, request, response } from "./in-memory-host.ts";
import { codeOf } from "./protocol-host.ts";

const client = fc.nat(CLIENTS - 1);
const agentType = fc.constantFrom("x", "y", "z");
const nameOf = (number: number): string => `c${number}`;
const id = fc.nat(40).map(String);

type Command = fc.AsyncCommand<Fuzzed, Fuzzed>;

/** What is done and what is accounted for belong together here, so model and reality are one. */
function step(name: string, run: (fuzzed: Fuzzed) => void | Promise<void>): Command {
  return {
    check: () => true,
    run: async (_, fuzzed) => {
      fuzzed.steps += 1;
      await run(fuzzed);
      fuzzed.compare();
    },
    toString: () => name,
  };
}

const open = client.map((one) =>
  step(`open ${one}`, ({ host, account, streams, over }) => {
    const known = account.meet(one);
    known.isConnected = true;
    const replaced = streams[one];
    streams[one] = host.open("OpenChannel", nameOf(one));
    expect(streams[one]?.hasHeaders).toBe(true);
    if (replaced !== undefined) {
      expect(codeOf(replaced.status)).toBe("WORKER_REPLACED");
      over.push(replaced);
    }
  }),
);
const openControl = client.map((one) =>
  step(`open control ${one}`, ({ host, account, controls, over }) => {
    account.meet(one).hasControl = true;
    const replaced = controls[one];
    controls[one] = host.open("OpenControlChannel", nameOf(one));
    if (replaced !== undefined) {
      expect(replaced.hasEnded).toBe(true);
      over.push(replaced);
    }
  }),
);
const leave = fc.tuple(client, fc.boolean()).map(([one, isOrderly]) =>
  step(`${isOrderly ? "close" : "break"} ${one}`, async (fuzzed) => {
    const stream = fuzzed.streams[one];
    if (stream !== undefined) {
      await (isOrderly ? stream.close() : stream.break());
      fuzzed.forget(one);
    }
  }),
);
const closeControl = client.map((one) =>
  step(`close control ${one}`, async ({ account, controls, over }) => {
    const control = controls[one];
    if (control !== undefined) {
      controls[one] = undefined;
      account.meet(one).hasControl = false;
      await control.close();
      over.push(control);
    }
  }),
);
/** What a client still says on streams that are over changes nothing. */
const haunt = fc.tuple(fc.nat(), fc.constantFrom("event", "end", "break")).map(([which, how]) =>
  step(`${how} on a stream that is over`, async ({ over }) => {
    const stream = over[which % Math.max(over.length, 1)];
    if (how === "event") {
      stream?.say(encodeMessage(event("late", "a")));
    } else if (how === "end") {
      await stream?.close();
    } else {
      stream?.break();
    }
  }),
);
const nobody = fc
  .record({
    method: fc.constantFrom("OpenChannel" as const, "OpenControlChannel" as const),
    ids: fc.constantFrom([], [""], ["  "], ["a", "b"], ["x".repeat(129)]),
  })
  .map(({ method, ids }) =>
    step(`${method} as ${ids}`, ({ host, over }) => {
      const stream = host.open(method, ...ids);
      expect(codeOf(stream.status)).toBe("MISSING_CLIENT_ID");
      over.push(stream);
    }),
  );
const register = fc.tuple(client, fc.oneof(agentType, fc.constant("a b"))).map(([one, type]) =>
  step(`register ${one} ${type}`, ({ host, account }) => {
    const bytes = toBinary(
      RegisterAgentTypeRequestSchema,
      create(RegisterAgentTypeRequestSchema, { type }),
    );
    const refusal = account.register(one, type);
    expect(host.call("RegisterAgent", [nameOf(one)], bytes)).toEqual(refusal || new Uint8Array(0));
  }),
);
const subscribe = fc.tuple(client, closeSubscription).map(([one, subscription]) =>
  step(`subscribe ${one} ${subscription.id}`, ({ host, account }) => {
    const bytes = toBinary(
      AddSubscriptionRequestSchema,
      create(AddSubscriptionRequestSchema, { subscription: encodeSubscription(subscription) }),
    );
    const refusal = account.subscribe(one, subscription);
    expect(host.call("AddSubscription", [nameOf(one)], bytes)).toEqual(
      refusal || new Uint8Array(0),
    );
  }),
);
const unsubscribe = fc.tuple(client, id).map(([one, which]) =>
  step(`unsubscribe ${which}`, ({ host, account }) => {
    const bytes = toBinary(
      RemoveSubscriptionRequestSchema,
      create(RemoveSubscriptionRequestSchema, { id: which }),
    );
    const refusal = account.unsubscribe(which);
    expect(host.call("RemoveSubscription", [nameOf(one)], bytes)).toEqual(
      refusal || new Uint8Array(0),
    );
  }),
);
const list = fc.constant(
  step("list subscriptions", ({ host, account }) => {
    const answer = host.call("GetSubscriptions", ["onlooker"], new Uint8Array(0));
    const ids = decodeSubscriptions(answer as Uint8Array).map((one) => one.id);
    expect(ids.sort()).toEqual(account.subscriptions.map((one) => one.subscription.id).sort());
  }),
);
const badUnary = fc
  .record({
    method: fc.constantFrom(
      ...(["RegisterAgent", "AddSubscription", "RemoveSubscription"] as const),
    ),
    isNameless: fc.boolean(),
  })
  .map(({ method, isNameless }) =>
    step(`bad ${method}`, ({ host }) => {
      const noise = new Uint8Array(9).fill(0xff);
      const code = host.call(method, isNameless ? [] : ["c0"], noise);
      expect(["BAD_FRAME", "MISSING_CLIENT_ID"]).toContain(String(code));
    }),
  );

/** Bytes for a client to say, made when its turn comes. */
type Saying = (fuzzed: Fuzzed, from: number) => Uint8Array;
const publish: fc.Arbitrary<Saying> = closeTopicType.map(
  (type) => (fuzzed) => encodeMessage(event(`e${fuzzed.steps}`, type)),
);
const call: fc.Arbitrary<Saying> = fc.tuple(agentType, fc.nat(3)).map(
  ([type, number]) =>
    (fuzzed) =>
      encodeMessage(request(`${number}`, type, `${fuzzed.steps}`)),
);
/** Mostly to a call that it was asked, sometimes to one that another was. */
const answer: fc.Arbitrary<Saying> = fc
  .tuple(fc.nat(), fc.nat(4))
  .map(([which, mine]) => ({ account, steps }, from) => {
    const candidates = account.calls.filter(({ target }) => mine === 0 || target === from);
    const hostId = candidates[which % Math.max(candidates.length, 1)]?.hostId || "unknown";
    return encodeMessage(response(hostId, `${steps}`));
  });
const messageBytes = (message: Parameters<typeof create<typeof MessageSchema>>[1]): Uint8Array =>
  toBinary(MessageSchema, create(MessageSchema, message));
const wrong: fc.Arbitrary<Saying> = fc
  .constantFrom(
    new Uint8Array(0),
    messageBytes({
      message: { case: "cloudEvent", value: { id: "1", type: "a b", source: "s" } },
    }),
    messageBytes({ message: { case: "response", value: {} } }),
    messageBytes({ message: { case: "request", value: { target: { type: "x", key: "k" } } } }),
    messageBytes({ message: { case: "request", value: { requestId: "7" } } }),
    messageBytes({
      message: { case: "request", value: { requestId: "7", target: { type: "a b", key: "k" } } },
    }),
    new Uint8Array(50).fill(0xff),
  )
  .map((bytes) => () => bytes);
/** A frame that is right but for a bit, or that ends too early. */
const changed: fc.Arbitrary<Saying> = fc
  .tuple(fc.oneof(publish, call, answer), fc.nat(), fc.nat(7), fc.boolean())
  .map(([saying, where, bit, isCut]) => (fuzzed, from) => {
    const bytes = saying(fuzzed, from).slice();
    const at = where % bytes.byteLength;
    if (isCut) {
      return bytes.subarray(0, at);
    }
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return bytes;
  });
const say = (name: string, saying: fc.Arbitrary<Saying>): fc.Arbitrary<Command> =>
  fc.tuple(client, saying).map(([from, what]) =>
    step(`${name} of ${from}`, (fuzzed) => {
      fuzzed.frame(from, what(fuzzed, from));
    }),
  );

const address: fc.Arbitrary<ControlAddress> = fc.oneof(
  agentType.map((type) => ({ kind: "agent" as const, agentId: new AgentId(type, "k") })),
  fc.nat(CLIENTS).map((one) => ({ kind: "client" as const, clientId: nameOf(one) })),
);
const agentId = new AgentId("x", "k");
const body = fc.constantFrom(
  { kind: "save-state-request" as const, agentId },
  { kind: "load-state-request" as const, agentId, state: "{}" },
  { kind: "save-state-response" as const, state: "{}", error: undefined },
  { kind: "load-state-response" as const, error: undefined },
);
const control = fc.tuple(client, address, body).map(([from, destination, what]) =>
  step(`control of ${from}: ${what.kind}`, ({ account, controls, steps }) => {
    const isRequest = what.kind.endsWith("request");
    const respondTo = isRequest ? { kind: "client" as const, clientId: nameOf(from) } : undefined;
    const envelope = {
      ...{ kind: "control" as const, rpcId: String(steps) },
      ...{ destination, respondTo, body: what },
    };
    const stream = controls[from];
    if (stream !== undefined) {
      account.control(envelope);
      stream.say(encodeControl(envelope));
    }
  }),
);
const controlNoise = client.map((one) =>
  step(`noise on control ${one}`, (fuzzed) => {
    const stream = fuzzed.controls[one];
    if (stream !== undefined) {
      fuzzed.account.badFrames += 1;
      stream.say(new Uint8Array(50).fill(0xff));
      fuzzed.cutOff(one);
    }
  }),
);

test("message fuzz - whatever several clients send, everybody gets what a plain account says", async () => {
  const often = [say("publish", publish), say("call", call), say("answer", answer), register];
  const commands = fc.commands<Fuzzed, Fuzzed, false>(
    [
      ...[open, open, ...often, ...often, subscribe, subscribe, subscribe, control, control],
      ...[say("wrong", wrong), say("changed", changed), say("changed", changed), openControl],
      ...[leave, closeControl, haunt, nobody, unsubscribe, list, badUnary, controlNoise],
    ],
    { maxCommands: 120, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const fuzzed = new Fuzzed();
      await fc.asyncModelRun(() => ({ model: fuzzed, real: fuzzed }), steps);
      fuzzed.host[Symbol.dispose]();
    }),
    { numRuns: 300 },
  );
}, 120_000);
