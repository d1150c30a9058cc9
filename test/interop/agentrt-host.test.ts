import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answersOf, describeCalling } from "./contract/call.ts";
import { describePublishing } from "./contract/publish.ts";
import { describeRegistering } from "./contract/register.ts";
import { describeShortMessages } from "./contract/short-message.ts";
import type { Peer } from "./peer.ts";
import { AgentrtHost, fresh, TEST_TIMEOUT_MS, useStage } from "./stage.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const stage = useStage(async () => await AgentrtHost.start());

describePublishing("agentrt host", stage);
describeCalling("agentrt host", stage);
describeRegistering("agentrt host", stage);
describeShortMessages("agentrt host", stage);

/** AutoGen's own host mixes such calls up: one caller gets the other's results, the other waits for ever. */
describe.each(["py", "ts"] as const)(
  "agentrt host - callers with the same request ids call %s",
  (language) => {
    test("100 calls of each of two callers, all in flight at once, get each its own result", async () => {
      const { py, pyProtobuf, ts } = stage();
      const callee = language === "py" ? pyProtobuf : ts[0];
      const agent = fresh("callee");
      await callee.register(agent, "callee");
      // AutoGen's workers count their requests from 1, so two that have just joined use the same ids.
      await Promise.all(py.map(rejoin));
      const call = async (peer: Peer, prefix: string) =>
        await peer.tell("callMany", {
          target: agent,
          what: "barrier",
          count: 100,
          barrier: 200,
          prefix,
        });
      const results = await Promise.all([call(py[0], "one"), call(py[1], "two")]);
      expect(results).toEqual([answersOf(agent, "one", 100), answersOf(agent, "two", 100)]);
    });
  },
);

async function rejoin(peer: Peer): Promise<void> {
  await peer.tell("leave");
  await peer.tell("join");
}
