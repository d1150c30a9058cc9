/**
 * Our worker on AutoGen's own host, in every pair with AutoGen's worker, which also meets itself there.
 *
 * What was seen of AutoGen 0.7.5 while these tests were made, beside what they state:
 * - A call of an unknown type, or of a worker that goes away, is never answered.
 * - Two AutoGen workers count their requests from 1, and of two equal ids in flight one caller gets
 *   the other's result, while the other waits for ever.
 * - A handler that returns None, and one whose agent's factory fails, never answers its caller.
 * - A dataclass may have a dict field: `Message(content, topic, metadata)` needs no care.
 * - A publisher outside of an agent is shown as `unknown/unknown`, a caller outside of one as None.
 * - Calls are JSON always; a protobuf request is understood, and answered in JSON.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { answersOf, ask, describeCalling } from "./contract/call.ts";
import { describePublishing } from "./contract/publish.ts";
import { describeRegistering } from "./contract/register.ts";
import { describeShortMessages } from "./contract/short-message.ts";
import { Peer } from "./peer.ts";
import { fresh, startAutogenHost, TEST_TIMEOUT_MS, useStage } from "./stage.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const stage = useStage(startAutogenHost);

describePublishing("autogen host", stage);
describeCalling("autogen host", stage);
describeRegistering("autogen host", stage);
describeShortMessages("autogen host", stage);

// That host keeps the calls of all callers by the callers' own ids. Two AutoGen workers, which both
// count from 1, disturb each other there; ours must not disturb anyone.
test("autogen host - our callers' request ids meet nobody else's", async () => {
  const { py, ts } = stage();
  const agent = fresh("callee");
  await py[1].register(agent, "callee");
  const callers = [py[0], ts[0], ts[1]];
  const results = await Promise.all(
    callers.map(async (caller, n) => {
      const many = {
        target: agent,
        what: "barrier",
        count: 100,
        barrier: 300,
        prefix: `caller${n}`,
      };
      return await caller.tell("callMany", many);
    }),
  );
  expect(results).toEqual(callers.map((_, n) => answersOf(agent, `caller${n}`, 100)));
});

// That host answers neither; see agentrt-host-faults.test.ts for ours.
test("autogen host - our caller's own time limit ends a call of a type that nobody has", async () => {
  const call = stage().ts[0].tell("call", {
    target: `${fresh("nobody")}/a`,
    message: ask("echo", "hello"),
    timeoutMs: 300,
  });
  await expect(call).rejects.toMatchObject({ type: "AgentrtError", code: "DEADLINE" });
});

test("autogen host - our caller's own time limit ends a call whose callee is killed", async () => {
  const { host, ts } = stage();
  await using victim = await Peer.python(host.address);
  const agent = fresh("victim");
  await victim.register(agent, "callee");
  const call = ts[0].tell("call", {
    target: `${agent}/a`,
    message: ask("hang", ""),
    timeoutMs: 1_000,
  });
  const outcome = call.catch((error: unknown) => error);
  await victim.waitForHanging(`${agent}/a`);
  await victim.kill();
  expect(await outcome).toMatchObject({ type: "AgentrtError", code: "DEADLINE" });
});
