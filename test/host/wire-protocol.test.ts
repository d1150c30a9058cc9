/** The host over a real connection: what AutoGen's workers rely on (protocol, "Service" to "Transport"). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { status } from "@grpc/grpc-js";
import { AgentId } from "../../src/core/agent-id.ts";
import { patternOf, TypePrefixSubscription } from "../../src/core/subscription.ts";
import type { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { encodeMessage } from "../../src/wire/autogen/codec.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, request, response, textOf } from "./in-memory-host.ts";
import { DEADLINE_MS, RawClient, sendControl, startHost, WireWorker } from "./wire-worker.ts";

let host: GrpcWorkerAgentRuntimeHost;
let names = 0;

/** A name that no other test uses. */
function fresh(prefix: string): string {
  names += 1;
  return `${prefix}_${names}`;
}

beforeAll(async () => {
  host = await startHost();
});

afterAll(async () => {
  await host.stop();
});

const join = (clientId: string): Promise<WireWorker> => WireWorker.join(host.address, clientId);
const workerReport = (clientId: string) =>
  host.report().workers.find((one) => one.clientId === clientId);
const holders = (): string[] => host.report().workers.flatMap(({ agentTypes }) => agentTypes);

async function forgotten(clientId: string): Promise<void> {
  await waitFor(() => workerReport(clientId) === undefined, { what: `the end of ${clientId}` });
}

describe("wire - client-id", () => {
  test.each(["RegisterAgent", "AddSubscription", "RemoveSubscription", "GetSubscriptions"])(
    "client-id - %s without one is refused in AutoGen's words",
    async (method) => {
      using client = new RawClient(host.address);
      const answer = await client.call(`/agents.AgentRpc/${method}`);
      expect([answer.status.code, answer.status.details]).toEqual([
        status.INVALID_ARGUMENT,
        "client-id metadata not found.",
      ]);
      expect(answer.status.metadata.get("agentrt-code")).toEqual(["MISSING_CLIENT_ID"]);
    },
  );

  test.each(["OpenChannel", "OpenControlChannel"])(
    "client-id - %s without one ends at once with the same words",
    async (method) => {
      using client = new RawClient(host.address);
      const stream = client.open(`/agents.AgentRpc/${method}`);
      expect(await stream.ended).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: "client-id metadata not found.",
      });
    },
  );

  test.each(["", "  ", "x".repeat(129)])("client-id - %j is refused", async (clientId) => {
    using client = new RawClient(host.address);
    const headers = { "client-id": clientId };
    const answer = await client.call("/agents.AgentRpc/GetSubscriptions", undefined, headers);
    expect(answer.status.code).toBe(status.INVALID_ARGUMENT);
    expect(answer.status.metadata.get("agentrt-code")).toEqual(["MISSING_CLIENT_ID"]);
  });
});

describe("wire - registration", () => {
  test("registration - the headers of a stream come at once, before any message", async () => {
    using worker = await join(fresh("client"));
    expect(worker.channel.status).toBeUndefined();
    const control = await worker.openControl();
    expect(control.status).toBeUndefined();
  });

  test("registration - a taken agent type is refused in AutoGen's words, to its holder too", async () => {
    const [first, second, type] = [fresh("client"), fresh("client"), fresh("agent")];
    using one = await join(first);
    using two = await join(second);
    await one.client.registerAgent(type, DEADLINE_MS);
    for (const worker of [one, two]) {
      expect(await rejectionOf(worker.client.registerAgent(type, DEADLINE_MS))).toMatchObject({
        code: "AGENT_TYPE_TAKEN",
        message: `Agent type ${type} already registered with client ${first}.`,
        data: { agentType: type, clientId: first, grpcStatus: "INVALID_ARGUMENT" },
      });
    }
  });

  test("registration - a subscription that exists is refused in AutoGen's words", async () => {
    const [client, topic, agent] = [fresh("client"), fresh("topic"), fresh("agent")];
    using worker = await join(client);
    await worker.client.addSubscription(exact(topic, agent, `${topic}-1`), DEADLINE_MS);
    for (const again of [exact(topic, agent, `${topic}-2`), exact("other", agent, `${topic}-1`)]) {
      expect(await rejectionOf(worker.client.addSubscription(again, DEADLINE_MS))).toMatchObject({
        code: "SUBSCRIPTION_EXISTS",
        message: "Subscription already exists",
        data: { clientId: client, grpcStatus: "INVALID_ARGUMENT" },
      });
    }
  });

  test("registration - subscriptions are listed, and removed by id", async () => {
    const [topic, agent] = [fresh("topic"), fresh("agent")];
    using worker = await join(fresh("client"));
    const { client } = worker;
    const added = [exact(topic, agent), new TypePrefixSubscription(`${agent}:`, agent)];
    for (const one of added) {
      await client.addSubscription(one, DEADLINE_MS);
    }
    const listed = async () =>
      (await client.getSubscriptions(DEADLINE_MS))
        .filter((one) => one.agentType === agent)
        .map((one) => [one.kind, one.id, patternOf(one)]);
    const described = added.map((one) => [one.kind, one.id, patternOf(one)]);
    expect(await listed()).toEqual(described);
    await client.removeSubscription(added[0]?.id ?? "", DEADLINE_MS);
    expect(await listed()).toEqual(described.slice(1));
    const again = client.removeSubscription(added[0]?.id ?? "", DEADLINE_MS);
    expect(await rejectionOf(again)).toMatchObject({
      code: "NO_SUCH_SUBSCRIPTION",
      data: { grpcStatus: "INVALID_ARGUMENT" },
    });
  });

  test.each([
    ["a b", "INVALID_AGENT_ID"],
    ["", "INVALID_AGENT_ID"],
    [`${"a".repeat(79)}😀 end`, "INVALID_AGENT_ID"],
    ["x".repeat(1_000_000), "INVALID_AGENT_ID"],
  ])("registration - an illegal agent type is refused (%#)", async (type, code) => {
    using worker = await join(fresh("client"));
    const error = await rejectionOf(worker.client.registerAgent(type, DEADLINE_MS));
    expect(error).toMatchObject({ code, data: { grpcStatus: "INVALID_ARGUMENT" } });
    expect(error.message).toContain("is not a legal agent type");
  });

  test("registration - unary calls may come before the stream, and both are one worker", async () => {
    const [client, type, topic] = [fresh("client"), fresh("agent"), fresh("topic")];
    const unary = new AgentRpcClient(host.address, client, { maxMessageBytes: 4_000_000 });
    await unary.registerAgent(type, DEADLINE_MS);
    await unary.addSubscription(exact(topic, type), DEADLINE_MS);
    expect(workerReport(client)).toBeUndefined();
    using other = await join(fresh("client"));
    other.send(event("e1", topic));
    await waitFor(() => host.report().totals.eventsDelivered > 0, { what: "the event to wait" });
    using worker = await join(client);
    expect((await worker.channel.waitFor(1))[0]).toMatchObject({ id: "e1" });
    expect(workerReport(client)).toMatchObject({ agentTypes: [type], subscriptions: 1 });
    unary.close();
  });
});

describe("wire - leaving", () => {
  test.each(["half-close", "cancel", "connection lost"])(
    "leaving - by %s, everything of a worker is forgotten at once",
    async (how) => {
      const [client, type, topic] = [fresh("client"), fresh("agent"), fresh("topic")];
      using worker = await join(client);
      using caller = await join(fresh("client"));
      await worker.client.registerAgent(type, DEADLINE_MS);
      await worker.client.addSubscription(exact(topic, type), DEADLINE_MS);
      caller.send(request("1", type));
      await worker.channel.waitFor(1);
      if (how === "half-close") {
        worker.channel.stream.end();
        expect((await worker.channel.ended).code).toBe(status.OK);
      } else if (how === "cancel") {
        worker.channel.stream.cancel();
      } else {
        worker.client.close();
        worker.channel.stream.cancel();
      }
      const [answer] = await caller.channel.waitFor(1);
      expect(answer).toMatchObject({ id: "1", headers: { "agentrt-code": "WORKER_GONE" } });
      expect(holders()).not.toContain(type);
      expect(host.report().subscriptions.map(({ agentType }) => agentType)).not.toContain(type);
      await caller.client.registerAgent(type, DEADLINE_MS);
    },
  );

  test("leaving - a new stream of a known client takes over, registrations stay", async () => {
    const [client, type, topic] = [fresh("client"), fresh("agent"), fresh("topic")];
    using first = await join(client);
    await first.client.registerAgent(type, DEADLINE_MS);
    await first.client.addSubscription(exact(topic, type), DEADLINE_MS);
    using second = await join(client);
    expect(await first.channel.ended).toMatchObject({
      code: status.ABORTED,
      details: "A newer stream with the same client-id took this one's place.",
    });
    second.send(event("e1", topic));
    expect((await second.channel.waitFor(1))[0]).toMatchObject({ id: "e1" });
    expect(first.channel.received).toEqual([]);
    first.client.close();
    second.send(event("e2", topic));
    await second.channel.waitFor(2);
    expect(workerReport(client)).toMatchObject({ agentTypes: [type], subscriptions: 1 });
  });

  test("leaving - a worker that announces itself and never opens its stream is forgotten", async () => {
    await using hasty = await startHost({ registrationGraceMs: 100 });
    using other = await WireWorker.join(hasty.address, "other");
    using quiet = new RawClient(hasty.address);
    const register = await quiet.call("/agents.AgentRpc/RegisterAgent", Buffer.from("\n\u0001a"), {
      "client-id": "quiet",
    });
    expect(register.status.code).toBe(status.OK);
    const taken = await rejectionOf(other.client.registerAgent("a", DEADLINE_MS));
    expect(taken.code).toBe("AGENT_TYPE_TAKEN");
    await waitFor(() => hasty.report().errors.some(({ code }) => code === "WORKER_GONE"), {
      what: "the end of the grace",
    });
    await other.client.registerAgent("a", DEADLINE_MS);
  });

  test("leaving - a control channel alone does not keep a worker, and ends with it", async () => {
    await using hasty = await startHost({ registrationGraceMs: 100 });
    using client = new RawClient(hasty.address);
    const control = client.open("/agents.AgentRpc/OpenControlChannel", { "client-id": "c" });
    expect((await control.ended).code).toBe(status.OK);
  });
});

describe("wire - messages", () => {
  test("messages - 100 calls at once from two callers with the same ids", async () => {
    const type = fresh("agent");
    using callee = await join(fresh("client"));
    await callee.client.registerAgent(type, DEADLINE_MS);
    callee.echo();
    using one = await join(fresh("client"));
    using two = await join(fresh("client"));
    for (let number = 1; number <= 100; number += 1) {
      one.send(request(String(number), type, `one ${number}`));
      two.send(request(String(number), type, `two ${number}`));
    }
    for (const [name, caller] of [
      ["one", one],
      ["two", two],
    ] as const) {
      const answers = await caller.channel.waitFor(100);
      expect(answers.map((one) => `${one.id} ${textOf(one)}`).sort()).toEqual(
        Array.from({ length: 100 }, (_, at) => `${at + 1} ${name} ${at + 1}`).sort(),
      );
    }
    expect(host.report().pendingCalls).toBe(0);
  });

  test("messages - save and load of state pass between two workers, refusals are answered", async () => {
    const [holderId, callerId, type] = [fresh("client"), fresh("client"), fresh("agent")];
    using holder = await join(holderId);
    using caller = await join(callerId);
    await holder.client.registerAgent(type, DEADLINE_MS);
    const atHolder = await holder.openControl();
    const atCaller = await caller.openControl();
    const agentId = new AgentId(type, "key");
    const respondTo = { kind: "client", clientId: callerId } as const;
    sendControl(atCaller, {
      ...{ kind: "control", rpcId: "1", destination: { kind: "agent", agentId }, respondTo },
      body: { kind: "save-state-request", agentId },
    });
    expect((await atHolder.waitFor(1))[0]).toMatchObject({
      ...{ rpcId: "1", respondTo, body: { kind: "save-state-request" } },
    });
    const saved = { kind: "save-state-response", state: '{"on":true}', error: undefined } as const;
    sendControl(atHolder, {
      ...{ kind: "control", rpcId: "1", destination: respondTo, respondTo: undefined, body: saved },
    });
    expect((await atCaller.waitFor(1))[0]).toMatchObject({ rpcId: "1", body: saved });
    const nobody = new AgentId(fresh("nobody"), "key");
    sendControl(atCaller, {
      ...{ kind: "control", rpcId: "2", respondTo },
      destination: { kind: "agent", agentId: nobody },
      body: { kind: "load-state-request", agentId: nobody, state: "{}" },
    });
    expect((await atCaller.waitFor(2))[1]).toMatchObject({
      rpcId: "2",
      body: {
        kind: "load-state-response",
        error: `UNAVAILABLE: No connected worker is or holds ${nobody}.`,
      },
    });
  });

  test("messages - a control channel that is opened anew takes the place of the old one", async () => {
    const client = fresh("client");
    using worker = await join(client);
    const first = await worker.openControl();
    const second = await worker.openControl();
    expect((await first.ended).code).toBe(status.OK);
    const clientAddress = { kind: "client", clientId: client } as const;
    sendControl(second, {
      ...{ kind: "control", rpcId: "1", destination: clientAddress, respondTo: undefined },
      body: { kind: "load-state-response", error: undefined },
    });
    expect(await second.waitFor(1)).toHaveLength(1);
  });

  test("messages - those compressed by gzip are read", async () => {
    const [client, type, topic] = [fresh("client"), fresh("agent"), fresh("topic")];
    using receiver = await join(client);
    await receiver.client.registerAgent(type, DEADLINE_MS);
    await receiver.client.addSubscription(exact(topic, type), DEADLINE_MS);
    using raw = new RawClient(host.address, { "grpc.default_compression_algorithm": 2 });
    const stream = raw.open("/agents.AgentRpc/OpenChannel", { "client-id": fresh("client") });
    await stream.opened;
    stream.stream.write(encodeMessage(event("e1", topic, {}, "x".repeat(100_000))));
    const [received] = await receiver.channel.waitFor(1);
    expect(received && textOf(received).length).toBe(100_000);
    stream.stream.cancel();
  });

  test("messages - the report counts them in and out", async () => {
    const [client, type, topic] = [fresh("client"), fresh("agent"), fresh("topic")];
    using worker = await join(client);
    await worker.client.registerAgent(type, DEADLINE_MS);
    await worker.client.addSubscription(exact(topic, type), DEADLINE_MS);
    worker.send(event("e1", topic));
    worker.send(response("no such call"));
    worker.send(event("e2", topic));
    await worker.channel.waitFor(2);
    expect(workerReport(client)).toMatchObject({
      ...{ clientId: client, dialect: "autogen", agentTypes: [type], subscriptions: 1 },
      ...{ messagesIn: 3, messagesOut: 2, queuedMessages: 0, shed: 0 },
    });
    expect(host.report().topics.find(({ topicType }) => topicType === topic)).toMatchObject({
      ...{ messages: 2, deliveries: 2 },
    });
    worker[Symbol.dispose]();
    await forgotten(client);
  });
});
