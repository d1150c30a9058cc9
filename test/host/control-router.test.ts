import { expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { ControlAddress, ControlBody, ControlEnvelope } from "../../src/core/control.ts";
import { InMemoryHost } from "./in-memory-host.ts";

const agentId = new AgentId("a", "key");
const atAgent: ControlAddress = { kind: "agent", agentId };
const atCaller: ControlAddress = { kind: "client", clientId: "caller" };

function control(
  destination: ControlAddress,
  respondTo: ControlAddress | undefined,
  body: ControlBody,
): ControlEnvelope {
  return { kind: "control", rpcId: "1", destination, respondTo, body };
}

const save: ControlBody = { kind: "save-state-request", agentId };
const load: ControlBody = { kind: "load-state-request", agentId, state: "{}" };

test("control - questions go to the holder of the agent type, answers to the client", () => {
  using host = new InMemoryHost();
  const [holder, caller] = [host.join("holder"), host.join("caller")];
  holder.register("a");
  holder.openControl();
  caller.openControl();
  caller.sendControl(control(atAgent, atCaller, save));
  expect(holder.receivedControls()).toMatchObject([{ rpcId: "1", body: { kind: save.kind } }]);
  const body: ControlBody = { kind: "save-state-response", state: '{"on":true}', error: undefined };
  holder.sendControl(control(atCaller, undefined, body));
  expect(caller.receivedControls()).toMatchObject([{ rpcId: "1", body }]);
  expect(host.totals.controlMessages).toBe(2);
});

test.each([
  [save, { kind: "save-state-response", state: "" }],
  [load, { kind: "load-state-response" }],
] as const)("control - %o of an agent that nobody holds is answered", (question, answer) => {
  using host = new InMemoryHost();
  const caller = host.join("caller");
  caller.openControl();
  caller.sendControl(control(atAgent, atCaller, question));
  expect(caller.receivedControls()).toMatchObject([
    {
      ...{ rpcId: "1", destination: atCaller, respondTo: undefined },
      body: { ...answer, error: "UNAVAILABLE: No connected worker is or holds a/key." },
    },
  ]);
  expect(host.deadLetters.total).toBe(0);
});

test("control - a worker without a control channel cannot be reached, which is answered", () => {
  using host = new InMemoryHost();
  const [holder, caller] = [host.join("holder"), host.join("caller")];
  holder.register("a");
  caller.openControl();
  caller.sendControl(control(atAgent, atCaller, save));
  expect(caller.receivedControls()).toMatchObject([
    {
      body: {
        error:
          "UNAVAILABLE: Worker holder has no control channel, so the state of its agents cannot be reached.",
      },
    },
  ]);
  holder.openControl();
  holder.session.disconnectControl(holder.control.asHostStream);
  caller.sendControl(control(atAgent, atCaller, save));
  expect(caller.receivedControls()).toHaveLength(1);
});

test("control - what nobody can be told of becomes a dead letter", () => {
  using host = new InMemoryHost();
  const caller = host.join("caller");
  caller.openControl();
  caller.sendControl(control(atAgent, undefined, save));
  caller.sendControl(
    control({ kind: "client", clientId: "gone" }, undefined, {
      kind: "load-state-response",
      error: undefined,
    }),
  );
  caller.sendControl(control(atAgent, { kind: "client", clientId: "gone" }, save));
  expect(caller.receivedControls()).toEqual([]);
  expect(host.deadLetters.recent.map(({ destination, reason }) => [destination, reason])).toEqual([
    ["a/key", "NO_SUCH_AGENT"],
    ["client gone", "NO_SUCH_AGENT"],
    ["a/key", "NO_SUCH_AGENT"],
  ]);
});

test("control - a question that waits for a worker which leaves is answered", () => {
  using host = new InMemoryHost();
  const [holder, caller] = [host.join("holder"), host.join("caller")];
  holder.register("a");
  holder.control.room = 1;
  holder.openControl();
  caller.openControl();
  caller.sendControl(control(atAgent, atCaller, save));
  caller.sendControl({ ...control(atAgent, atCaller, save), rpcId: "2" });
  expect(holder.session.controlOutbox.queuedMessages).toBe(1);
  holder.leave();
  expect(caller.receivedControls()).toMatchObject([
    {
      rpcId: "2",
      body: {
        ...{ kind: "save-state-response", state: "" },
        error: "UNAVAILABLE: The worker left before it read the request.",
      },
    },
  ]);
});

test("control - a worker that does not read its control channel sheds the oldest, counted", () => {
  using host = new InMemoryHost();
  const [holder, caller] = [host.join("holder"), host.join("caller")];
  holder.register("a");
  holder.control.room = 1;
  holder.openControl();
  caller.openControl();
  for (let number = 0; number < 1_011; number += 1) {
    caller.sendControl(control(atAgent, atCaller, save));
  }
  expect([holder.session.shed, host.totals.shed]).toEqual([10, 10]);
  expect(host.deadLetters.byReason).toEqual({ QUEUE_FULL: 10 });
});
