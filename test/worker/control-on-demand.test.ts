import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { AgentId, defineAgent } from "agentrt";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { joinKnowing, startHost } from "./on-our-host.ts";

const join = joinKnowing();
const counting = defineAgent({
  description: "Has a state",
  setup: () => ({ saveState: () => 7, loadState: () => undefined }),
});
const theirs = new AgentId("counting", "a");

let opened: Mock<AgentRpcClient["openControlChannel"]>;

beforeEach(() => {
  opened = spyOn(AgentRpcClient.prototype, "openControlChannel");
});
afterEach(() => {
  opened.mockRestore();
});

describe("control channel", () => {
  test("a worker without agents opens none until it asks for the state of somebody else's agent", async () => {
    await using host = await startHost();
    await using holder = await join(host);
    await holder.registerFactory(theirs.type, counting);
    opened.mockClear();
    await using asking = await join(host);
    expect(opened).toHaveBeenCalledTimes(0);
    expect(await asking.agentSaveState(theirs)).toBe(7);
    expect(await asking.agentSaveState(theirs)).toBe(7);
    expect(opened).toHaveBeenCalledTimes(1);
  });

  test("a worker opens one when it registers its first agent type, and no second one", async () => {
    await using host = await startHost();
    await using worker = await join(host);
    await worker.registerFactory("first", counting);
    await worker.registerFactory("second", counting);
    expect(opened).toHaveBeenCalledTimes(1);
  });
});
