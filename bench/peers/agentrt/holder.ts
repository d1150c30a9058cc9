import { defineAgent, GrpcWorkerAgentRuntime, TypeSubscription } from "agentrt";
import { AGENT_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { makeMany, runHolder } from "../receiver-loops.ts";

const { address } = parseProgramArguments();
const runtimes: GrpcWorkerAgentRuntime[] = [];

async function connect(): Promise<GrpcWorkerAgentRuntime> {
  const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
  await runtime.start();
  runtimes.push(runtime);
  return runtime;
}

await runHolder({
  connect: async (count) => {
    await makeMany(count, async () => {
      await connect();
    });
  },
  subscribe: async (count) => {
    const type = `${AGENT_TYPE}.holder.${process.pid}`;
    const runtime = await connect();
    await runtime.registerFactory(
      type,
      defineAgent({ description: "Waits", setup: () => undefined }),
    );
    await makeMany(count, async (n) => {
      await runtime.addSubscription(
        new TypeSubscription(`nobody_publishes_${process.pid}_${n}`, type),
      );
    });
  },
});
await Promise.all(runtimes.map(async (runtime) => await runtime.stop()));
