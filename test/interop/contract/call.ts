import { describe, expect, test } from "bun:test";
import type { Described, Peer } from "../peer.ts";
import { fresh, PAIRS, type Stage } from "../stage.ts";

export function ask(
  what: string,
  text: string,
  rest: { count?: number; to?: string } = {},
): Described {
  return { type: "Ask", data: { what, text, count: 0, to: "", ...rest } };
}

export function answer(text: string, servedBy: string, askedBy = "nobody"): Described {
  return { type: "Answer", data: { text, served_by: servedBy, asked_by: askedBy } };
}

/** What every host must do with calls, for a caller and a callee in each language. */
export function describeCalling(hostName: string, stage: () => Stage): void {
  describe.each([...PAIRS])(`${hostName} - call $from to $to`, ({ from, to }) => {
    const caller = (): Peer => stage()[from][0];
    const callee = (): Peer => stage()[to][1];

    test("the result comes back, and the callee sees who asks", async () => {
      const agent = fresh("callee");
      await callee().register(agent, "callee");
      expect(await caller().call(`${agent}/a/b`, ask("echo", "größe 🏠"), "asker/x")).toEqual(
        answer("größe 🏠", `${agent}/a/b`, "asker/x"),
      );
      expect(await caller().call(`${agent}/c`, ask("echo", ""))).toEqual(answer("", `${agent}/c`));
    });

    test("the text of the callee's exception reaches the caller", async () => {
      const agent = fresh("callee");
      await callee().register(agent, "callee");
      const text = "no such room: 'kitchen'\nsecond line ü";
      const failed = caller().call(`${agent}/a`, ask("fail", text));
      await expect(failed).rejects.toMatchObject(
        from === "py"
          ? { type: "Exception", message: text }
          : {
              type: "AgentrtError",
              code: "HANDLER_FAILED",
              message: text,
            },
      );
      // The instance that threw serves the next call.
      expect(await caller().call(`${agent}/a`, ask("echo", "again"))).toEqual(
        answer("again", `${agent}/a`),
      );
    });

    test("a callee may call on, back into its caller's worker too", async () => {
      const [there, here] = [fresh("callee"), fresh("callee")];
      await callee().register(there, "callee");
      await caller().register(here, "callee");
      const way = `${here}/2 ${there}/3 ${here}/4`;
      expect(
        await caller().call(`${there}/1`, ask("forward", "echo: far", { to: way }), "asker/x"),
      ).toEqual(answer("echo: far", `${there}/1 ${here}/2 ${there}/3 ${here}/4`, `${there}/3`));
    });

    test("an error comes back along a way of calls", async () => {
      const [there, here] = [fresh("callee"), fresh("callee")];
      await callee().register(there, "callee");
      await caller().register(here, "callee");
      const failed = caller().call(
        `${there}/1`,
        ask("forward", "fail: at the end", { to: `${here}/2 ${there}/3` }),
      );
      await expect(failed).rejects.toMatchObject({ message: "fail: at the end" });
    });

    test("100 calls in flight at once get each its own result", async () => {
      const agent = fresh("callee");
      await callee().register(agent, "callee");
      const many = { target: agent, what: "barrier", count: 100, barrier: 100, prefix: "call" };
      expect(await caller().tell("callMany", many)).toEqual(answersOf(agent, "call", 100));
    });
  });

  test(`${hostName} - call ts to py: a protobuf request is answered in JSON`, async () => {
    const agent = fresh("callee");
    await stage().py[1].register(agent, "callee");
    const reading = { type: "agentrt.test.v1.Reading", data: { sensor: "cellar", celsius: 8.5 } };
    expect(await stage().ts[0].call(`${agent}/a`, reading)).toEqual(
      answer("cellar 8.5", `${agent}/a`),
    );
  });

  test(`${hostName} - call py to ts: a protobuf result arrives decoded`, async () => {
    const agent = fresh("callee");
    await stage().ts[1].register(agent, "callee");
    expect(await stage().py[0].call(`${agent}/a`, ask("protobuf", "skin"))).toEqual({
      type: "agentrt.test.v1.Reading",
      data: { sensor: "skin", celsius: 36.6 },
    });
  });
}

/** The results of `callMany`, in the order of the calls. */
export function answersOf(agent: string, prefix: string, count: number): readonly Described[] {
  return Array.from({ length: count }, (_, n) =>
    answer(`${prefix}-${n}`, `${agent}/${prefix}-${n}`),
  );
}
