import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type BytesMessage,
  defineAgent,
  defineBytes,
  TopicId,
  TypeSubscription,
} from "agentrt";
import { waitFor } from "../../kit/wait.ts";
import { STAGES } from "./stage.ts";

const Frame = defineBytes("Frame");

for (const stage of STAGES) {
  describe(`bytes - ${stage.name}`, () => {
    test("an event and a call bring the bytes, and so does the answer", async () => {
      await using on = await stage.start();
      const got: number[][] = [];
      // A declaration of its own, as in another program.
      const TheirFrame = defineBytes("Frame");
      const camera = defineAgent({
        description: "Turns frames round",
        setup(agent) {
          agent.handleEvent(TheirFrame, ({ bytes }) => {
            got.push([...bytes]);
          });
          agent.handleRpc(TheirFrame, ({ bytes }) => TheirFrame.of(bytes.toReversed()));
        },
      });
      await on.agents.registerFactory("camera", camera);
      await on.agents.addSubscription(new TypeSubscription("frames", "camera"));
      on.callers.addMessageType(Frame);
      await on.callers.publishMessage(
        Frame.of(Uint8Array.of(1, 0, 255)),
        new TopicId("frames", "a"),
      );
      await on.callers.publishMessage(Frame.of(new Uint8Array(0)), new TopicId("frames", "a"));
      await waitFor(() => got.length === 2, { what: "both frames", intervalMs: 2 });
      expect(got).toEqual([[1, 0, 255], []]);
      const answer = await on.callers.sendMessage<BytesMessage>(
        Frame.of(Uint8Array.of(1, 2, 3)),
        new AgentId("camera", "a"),
      );
      expect([...(answer?.bytes ?? [])]).toEqual([3, 2, 1]);
    });
  });
}
