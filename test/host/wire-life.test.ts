/** A host's own life over a real connection: health, starting, draining, stopping. */
import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../src/wire/gen/grpc/health/v1/health_pb.ts";
import { rejectionOf, thrownBy } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, request, textOf } from "./in-memory-host.ts";
import { DEADLINE_MS, RawClient, startHost, WireWorker } from "./wire-worker.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";

const healthRequest = (service: string): Uint8Array =>
  toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }));
const servingStatus = (bytes: Uint8Array | undefined): ServingStatus | undefined =>
  bytes && fromBinary(HealthCheckResponseSchema, bytes).status;

describe("wire - health", () => {
  test.each(["", "agents.AgentRpc"])("health - Check of %j says SERVING", async (service) => {
    await using host = await startHost();
    using client = new RawClient(host.address);
    const answer = await client.call(CHECK, healthRequest(service));
    expect(answer.status.code).toBe(status.OK);
    expect(servingStatus(answer.messages[0])).toBe(ServingStatus.SERVING);
  });

  test("health - Check of another service says NOT_FOUND, of noise INVALID_ARGUMENT", async () => {
    await using host = await startHost();
    using client = new RawClient(host.address);
    expect((await client.call(CHECK, healthRequest("other"))).status.code).toBe(status.NOT_FOUND);
    const long = await client.call(CHECK, healthRequest("😀".repeat(100_000)));
    expect(long.status.code).toBe(status.NOT_FOUND);
    const noise = await client.call(CHECK, Uint8Array.of(0xff));
    expect(noise.status.code).toBe(status.INVALID_ARGUMENT);
    const watch = await client.call(WATCH, Uint8Array.of(0xff));
    expect(watch.status.code).toBe(status.INVALID_ARGUMENT);
  });

  test("health - Watch hears of the end, and that a service is unknown", async () => {
    await using host = await startHost();
    using client = new RawClient(host.address);
    const known = client.open(WATCH);
    known.stream.end(healthRequest(""));
    const unknown = client.open(WATCH);
    unknown.stream.end(healthRequest("other"));
    const [first] = await unknown.waitFor(1);
    expect(servingStatus(first)).toBe(ServingStatus.SERVICE_UNKNOWN);
    await known.waitFor(1);
    await host.stop();
    expect((await known.ended).code).toBe(status.OK);
    expect(known.received.map(servingStatus)).toEqual([
      ServingStatus.SERVING,
      ServingStatus.NOT_SERVING,
    ]);
  });

  test("health - a connection that does nothing but watch is left open", async () => {
    await using host = await startHost({ handshakeTimeoutMs: 100 });
    using client = new RawClient(host.address);
    const watch = client.open(WATCH);
    watch.stream.end(healthRequest(""));
    await watch.waitFor(1);
    using silent = new RawClient(host.address);
    const other = silent.open("/agents.AgentRpc/NoSuchMethod");
    await other.ended;
    // The connection without a call that counts is closed after the time that both had.
    await waitFor(() => host.report().totals.connectionsBroken > 0, {
      what: "the silent one's end",
    });
    expect(watch.status).toBeUndefined();
  });

  test("health - more watchers than the limit are refused, and those that left make room", async () => {
    await using host = await startHost();
    using client = new RawClient(host.address);
    const watches = Array.from({ length: 100 }, () => client.open(WATCH));
    for (const watch of watches) {
      watch.stream.end(healthRequest(""));
    }
    await Promise.all(watches.map((watch) => watch.waitFor(1)));
    const refused = await client.call(WATCH, healthRequest(""));
    expect(refused.status.code).toBe(status.RESOURCE_EXHAUSTED);
    watches[0]?.stream.cancel();
    await waitFor(
      async () => {
        const next = client.open(WATCH);
        next.stream.end(healthRequest(""));
        await Promise.race([next.waitFor(1), next.ended]);
        return next.received.length === 1;
      },
      { what: "room for a watcher" },
    );
  });
});

describe("wire - start", () => {
  test("start - a host is started once", async () => {
    await using host = await startHost();
    expect((await rejectionOf(host.start())).code).toBe("RUNTIME_STATE");
    expect(host.state).toBe("ready");
  });

  test("start - a taken address is an error that says what to do, and stop still works", async () => {
    await using host = await startHost();
    const second = new GrpcWorkerAgentRuntimeHost({ listen: host.address });
    expect(await rejectionOf(second.start())).toMatchObject({
      code: "ADDRESS_IN_USE",
      message: `Cannot listen on ${host.address}: another process does. Stop it, or choose another port with --listen.`,
    });
    await second.stop();
    expect(second.state).toBe("stopped");
    expect(host.state).toBe("ready");
  });

  test("start - stopping while the door opens leaves no host behind", async () => {
    const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
    const starting = rejectionOf(host.start());
    await host.stop();
    expect((await starting).code).toBe("RUNTIME_STATE");
    expect(host.state).toBe("stopped");
    using client = new RawClient(host.address);
    expect((await client.call(CHECK)).status.code).toBe(status.UNAVAILABLE);
  });

  test("start - addresses of other machines are refused unless allowed", () => {
    const listen = "0.0.0.0:0";
    expect(thrownBy(() => new GrpcWorkerAgentRuntimeHost({ listen })).code).toBe("LISTEN_REFUSED");
    const allowed = new GrpcWorkerAgentRuntimeHost({ listen, isInsecureAllowed: true });
    expect(allowed.report()).toMatchObject({ state: "starting", isInsecure: true });
  });

  test("start - the report says where it listens and who it is", async () => {
    await using host = await startHost({ version: "1.2.3" });
    const { address } = host;
    expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    expect(host.report()).toMatchObject({
      ...{ version: "1.2.3", state: "ready", listen: address, isInsecure: false },
      ...{ workers: [], subscriptions: [], topics: [], pendingCalls: 0, errors: [] },
    });
  });
});

describe("wire - drain", () => {
  test("drain - what is in flight ends, new calls and workers are refused, streams end", async () => {
    await using host = await startHost();
    using callee = await WireWorker.join(host.address, "callee");
    using caller = await WireWorker.join(host.address, "caller");
    await callee.client.registerAgent("a", DEADLINE_MS);
    caller.send(request("1", "a", "in flight"));
    const [asked] = await callee.channel.waitFor(1);
    const stopping = host.stop({ drainTimeoutMs: DEADLINE_MS });
    expect(host.stop()).toBe(stopping);
    expect(host.state).toBe("draining");

    caller.send(request("2", "a"));
    expect((await caller.channel.waitFor(1))[0]).toMatchObject({
      ...{ id: "2", error: "UNAVAILABLE: The host is stopping and takes no new calls." },
    });
    expect(await rejectionOf(caller.client.registerAgent("b", DEADLINE_MS))).toMatchObject({
      ...{ code: "HOST_DRAINING", data: { grpcStatus: "UNAVAILABLE" } },
    });
    const control = await caller.openControl();
    expect((await control.ended).code).toBe(status.UNAVAILABLE);
    using late = new WireWorker(host.address, "late");
    expect((await late.channel.ended).code).toBe(status.UNAVAILABLE);

    const payload = asked?.payload ?? { dataType: "", contentType: "", data: new Uint8Array(0) };
    callee.send({ kind: "response", id: asked?.id ?? "", error: "", headers: {}, payload });
    const answers = await caller.channel.waitFor(2);
    expect(answers[1] && textOf(answers[1])).toBe("in flight");
    for (const worker of [callee, caller]) {
      expect(await worker.channel.ended).toMatchObject({
        code: status.UNAVAILABLE,
        details: "The host is stopping. Connect again later.",
      });
    }
    await stopping;
    expect(host.report()).toMatchObject({ state: "stopped", workers: [] });
  });

  test("drain - is not held up for longer than its time by a call that nobody answers", async () => {
    await using host = await startHost();
    using callee = await WireWorker.join(host.address, "callee");
    using caller = await WireWorker.join(host.address, "caller");
    await callee.client.registerAgent("a", DEADLINE_MS);
    caller.send(request("1", "a"));
    await callee.channel.waitFor(1);
    await host.stop({ drainTimeoutMs: 20 });
    await caller.channel.ended;
    expect(caller.channel.received).toMatchObject([
      { id: "1", headers: { "agentrt-code": "WORKER_GONE" } },
    ]);
  });

  test("drain - events that were on their way arrive before the end", async () => {
    await using host = await startHost();
    using worker = await WireWorker.join(host.address, "1");
    await worker.client.registerAgent("a", DEADLINE_MS);
    await worker.client.addSubscription(exact("topic", "a"), DEADLINE_MS);
    for (let number = 0; number < 500; number += 1) {
      worker.send(event(String(number), "topic", {}, "x".repeat(1_000)));
    }
    await waitFor(() => host.report().totals.eventsIn === 500, { what: "all events to be in" });
    await host.stop({ drainTimeoutMs: DEADLINE_MS });
    await worker.channel.ended;
    expect(worker.channel.received.map(({ id }) => id)).toEqual(
      Array.from({ length: 500 }, (_, number) => String(number)),
    );
  });

  test("drain - its port is free afterwards", async () => {
    const first = await startHost();
    const { address } = first;
    using worker = await WireWorker.join(address, "1");
    await first.stop();
    await using second = await startHost({ listen: address });
    expect(second.address).toBe(address);
    expect(worker.channel.received).toEqual([]);
  });
});
