import { describe, expect, test } from "bun:test";
import { waitFor } from "../../kit/wait.ts";
import type { Language, Peer } from "../peer.ts";
import { fresh, PAIRS, type Stage } from "../stage.ts";
import { answer, ask } from "./call.ts";
import { note } from "./publish.ts";

/** What a host's refusal looks like in each language. */
const REFUSAL: Readonly<Record<Language, (agentrtCode: string) => object>> = {
  py: () => ({ type: "AioRpcError", code: "INVALID_ARGUMENT" }),
  ts: (code) => ({ type: "AgentrtError", code }),
};

/** What every host must do with agent types and subscriptions, for workers in each language. */
export function describeRegistering(hostName: string, stage: () => Stage): void {
  describe.each([...PAIRS])(
    `${hostName} - register first in $from, then in $to`,
    ({ from, to }) => {
      const first = (): Peer => stage()[from][0];
      const second = (): Peer => stage()[to][1];

      test("a type that another worker holds is refused with AutoGen's text", async () => {
        const agent = fresh("taken");
        await first().register(agent, "recorder");
        const refused = second().register(agent, "recorder");
        await expect(refused).rejects.toMatchObject({
          ...REFUSAL[to]("AGENT_TYPE_TAKEN"),
          message: expect.stringMatching(
            new RegExp(`^Agent type ${agent} already registered with client .+\\.$`),
          ),
        });
      });

      test("the same subscription again is refused with AutoGen's text, from any worker", async () => {
        const [agent, topic] = [fresh("recorder"), fresh("notes")];
        await first().register(agent, "recorder", [topic]);
        const again = { kind: "type", pattern: topic, agentType: agent };
        const refused = second().tell("subscribe", again);
        await expect(refused).rejects.toMatchObject({
          ...REFUSAL[to]("SUBSCRIPTION_EXISTS"),
          message: "Subscription already exists",
        });
        const sameId = {
          kind: "type",
          pattern: fresh("notes"),
          agentType: agent,
          subscriptionId: fresh("id"),
        };
        await first().tell("subscribe", sameId);
        await expect(
          second().tell("subscribe", { ...sameId, pattern: fresh("notes") }),
        ).rejects.toMatchObject({
          ...REFUSAL[to]("SUBSCRIPTION_EXISTS"),
          message: "Subscription already exists",
        });
      });

      test("a worker that leaves frees its types and subscriptions for the next", async () => {
        const [agent, topic] = [fresh("moving"), fresh("notes")];
        const subscription = {
          kind: "type",
          pattern: topic,
          agentType: agent,
          subscriptionId: fresh("id"),
        };
        await first().register(agent, "callee");
        await first().tell("subscribe", subscription);
        await first().tell("leave");
        try {
          await waitFor(async () => !(await knowsOf(stage(), agent)), {
            what: `the host to forget ${agent}`,
          });
          await second().register(agent, "callee");
          await second().tell("subscribe", subscription);
          const called = await stage().pyProtobuf.call(`${agent}/a`, ask("echo", "moved"));
          expect(called).toEqual(answer("moved", `${agent}/a`));
        } finally {
          await first().tell("join");
        }
        // The worker that came back is a stranger there, and the type stays where it is.
        await expect(first().register(agent, "callee")).rejects.toMatchObject(
          REFUSAL[from]("AGENT_TYPE_TAKEN"),
        );
      });

      test("a worker that left gets nothing for the time when it was away", async () => {
        const [agent, topic] = [fresh("recorder"), fresh("notes")];
        await first().register(agent, "recorder", [topic]);
        await first().tell("leave");
        await waitFor(async () => !(await knowsOf(stage(), agent)), {
          what: `the host to forget ${agent}`,
        });
        await second().publish(`${topic}/default`, note("missed"));
        await first().tell("join");
        await first().register(agent, "recorder", [topic]);
        await second().publish(`${topic}/default`, note("heard"));
        const received = await first().waitForReceived(agent, 1);
        expect(received.map(({ message }) => message)).toEqual([note("heard")]);
      });
    },
  );
}

/** Whether the host has a subscription of an agent type. */
async function knowsOf({ pyProtobuf }: Stage, agentType: string): Promise<boolean> {
  const subscriptions = (await pyProtobuf.tell("subscriptions")) as readonly {
    readonly agentType: string;
  }[];
  return subscriptions.some((subscription) => subscription.agentType === agentType);
}
