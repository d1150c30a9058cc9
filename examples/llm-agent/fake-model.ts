import type { ModelAnswer, ModelClient, Turn } from "./model-client.ts";

/** Runs offline and always answers the same: for tests, and to see how the parts play together. */
export class FakeModel implements ModelClient {
  async complete(turns: readonly Turn[]): Promise<ModelAnswer> {
    const last = turns.at(-1);
    if (last?.role === "tool") {
      return { kind: "text", text: `It is ${last.text} there.` };
    }
    const room = /how warm is (?:it in )?the (\w+)/i.exec(last?.text ?? "")?.[1];
    return room === undefined
      ? { kind: "text", text: "I only know about temperatures." }
      : { kind: "tool", tool: "temperature", argument: room };
  }
}
