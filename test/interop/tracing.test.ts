import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { AgentId, defineAgent, GrpcWorkerAgentRuntime, TopicId, TypeSubscription } from "agentrt";
import { type OtlpRequest, spansOf } from "../kit/collector.ts";
import { waitFor } from "../kit/wait.ts";
import { Peer } from "./peer.ts";
import { AgentrtHost, SETUP_TIMEOUT_MS } from "./stage.ts";
import { Answer, Ask, Note } from "./ts/messages.ts";

setDefaultTimeout(SETUP_TIMEOUT_MS);

const ANSWERER = defineAgent({
  description: "Answers",
  setup(agent) {
    agent.handleRpc(Ask, ({ text }) => Answer.of({ text, served_by: "ts", asked_by: "" }));
  },
});
const LISTENER = defineAgent({
  description: "Listens",
  setup(agent) {
    agent.handleEvent(Note, () => undefined);
  },
});

interface PythonSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

async function linesOf<T>(path: string): Promise<T[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

/** A traced host, a traced Python worker, and a traced worker of ours. */
async function withThree(
  flags: readonly string[],
  use: (three: {
    readonly runtime: GrpcWorkerAgentRuntime;
    readonly py: Peer;
    readonly ours: InMemorySpanExporter;
    readonly hostSpan: (name: string) => Promise<ReturnType<typeof spansOf>[number]>;
    readonly pythonSpan: (name: string) => Promise<PythonSpan>;
  }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-spans-"));
  try {
    const [hostFile, pythonFile] = [join(folder, "host"), join(folder, "python")];
    await using host = await AgentrtHost.start(["--trace", `file:${hostFile}`]);
    await using py = await Peer.python(host.address, "json", ["--spans", pythonFile, ...flags]);
    const ours = new InMemorySpanExporter();
    const provider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: ours })],
    });
    await using runtime = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      tracerProvider: provider,
    });
    await runtime.start();
    await use({
      runtime,
      py,
      ours,
      hostSpan: async (name) =>
        await waitFor(
          async () =>
            (await linesOf<OtlpRequest>(hostFile))
              .flatMap(spansOf)
              .find((span) => span.name === name),
          { what: `the host's span "${name}"` },
        ),
      pythonSpan: async (name) =>
        await waitFor(
          async () => (await linesOf<PythonSpan>(pythonFile)).find((span) => span.name === name),
          { what: `Python's span "${name}"` },
        ),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("tracing - the handling of an event by an AutoGen worker joins the trace of its publisher", async () => {
  await withThree(["--joined"], async ({ runtime, py, ours, hostSpan, pythonSpan }) => {
    await py.register("traced", "recorder", ["traced_notes"]);
    await runtime.publishMessage(
      Note.of({ text: "hello", number: 1 }),
      new TopicId("traced_notes", "kitchen"),
    );
    const [received] = await py.waitForReceived("traced", 1);
    expect(received?.message).toEqual({ type: "Note", data: { text: "hello", number: 1 } });

    const publish = ours.getFinishedSpans().find(({ name }) => name === "publish traced_notes");
    const route = await hostSpan("route traced_notes");
    const handling = await pythonSpan("autogen process traced.(kitchen)-A");
    expect(route).toMatchObject({
      traceId: publish?.spanContext().traceId,
      parentSpanId: publish?.spanContext().spanId,
    });
    expect(handling).toMatchObject({
      kind: "CONSUMER",
      traceId: route.traceId,
      parentSpanId: route.spanId,
    });
  });
});

test("tracing - AutoGen's own provider, without our module, notes the route as a link", async () => {
  await withThree([], async ({ runtime, py, hostSpan, pythonSpan }) => {
    await py.register("linked", "recorder", ["linked_notes"]);
    await runtime.publishMessage(
      Note.of({ text: "a", number: 1 }),
      new TopicId("linked_notes", "x"),
    );
    const route = await hostSpan("route linked_notes");
    const handling = await pythonSpan("autogen process linked.(x)-A");
    expect(handling.links).toEqual([{ traceId: route.traceId, spanId: route.spanId }]);
    expect(handling.parentSpanId).toBe("");
  });
});

test("tracing - a call of an AutoGen worker is one trace there", async () => {
  await withThree(["--joined"], async ({ runtime, py, ours, hostSpan, pythonSpan }) => {
    await py.register("callee", "callee");
    await runtime.sendMessage(
      Ask.of({ what: "echo", text: "hi", count: 0, to: "" }),
      new AgentId("callee", "one"),
    );
    const send = ours.getFinishedSpans().find(({ name }) => name === "send callee");
    const route = await hostSpan("route callee");
    const handling = await pythonSpan("autogen process callee.(one)-A");
    expect(route.parentSpanId).toBe(send?.spanContext().spanId ?? "?");
    expect(handling).toMatchObject({ traceId: route.traceId, parentSpanId: route.spanId });
    expect(handling.traceId).toBe(send?.spanContext().traceId ?? "?");
  });
});

test("tracing - a call by an AutoGen worker begins a trace that our handler joins", async () => {
  await withThree([], async ({ runtime, py, ours, hostSpan, pythonSpan }) => {
    await runtime.registerFactory("answerer", ANSWERER);
    await py.call("answerer/one", { type: "Ask", data: { what: "echo", text: "hi" } });
    const create = await pythonSpan("autogen create answerer.(one)-A");
    const route = await hostSpan("route answerer");
    expect(route).toMatchObject({ traceId: create.traceId, parentSpanId: create.spanId });
    const handling = ours.getFinishedSpans().find(({ name }) => name === "handle_message");
    expect(handling?.spanContext().traceId).toBe(create.traceId);
    expect(handling?.parentSpanContext?.spanId).toBe(route.spanId);
  });
});

test("tracing - the span in which an AutoGen worker takes our answer joins the call's trace", async () => {
  await withThree(["--joined"], async ({ runtime, py, hostSpan, pythonSpan }) => {
    await runtime.registerFactory("answerer", ANSWERER);
    await py.call("answerer/one", { type: "Ask", data: { what: "echo", text: "hi" } });
    const create = await pythonSpan("autogen create answerer.(one)-A");
    const route = await hostSpan("route answerer");
    const taken = await pythonSpan("autogen ack");
    expect(taken).toMatchObject({ traceId: create.traceId, parentSpanId: route.spanId });
  });
});

test("tracing - an event of an AutoGen worker, which carries no context, gets its trace from the host", async () => {
  await withThree([], async ({ runtime, py, ours, hostSpan }) => {
    await runtime.registerFactory("listener", LISTENER);
    await runtime.addSubscription(new TypeSubscription("python_notes", "listener"));
    await py.publish("python_notes/x", { type: "Note", data: { text: "a", number: 1 } });
    const handling = await waitFor(
      () => ours.getFinishedSpans().find(({ name }) => name === "handle_message"),
      { what: "our handling" },
    );
    const route = await hostSpan("route python_notes");
    expect(route.parentSpanId).toBe("");
    expect(handling.spanContext().traceId).toBe(route.traceId);
    expect(handling.parentSpanContext?.spanId).toBe(route.spanId);
  });
});
