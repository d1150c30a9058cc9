/** The files of a new project, by name. `type` is a legal agent type, `name` the same as an identifier. */
export function projectFiles(type: string, name: string): Readonly<Record<string, string>> {
  return {
    [`${type}.ts`]: agent(type, name),
    [`${type}.test.ts`]: test(type, name),
    "tsconfig.json": TSCONFIG,
    "package.json": `${JSON.stringify({ name: type.toLowerCase(), private: true, type: "module" }, undefined, 2)}\n`,
    "README.md": readme(type),
  };
}

const agent = (type: string, name: string) => `import { defineAgent, defineMessage } from "agentrt";

/** What sensors publish. The function checks what arrives; a schema of zod or valibot does as well. */
export const Reading = defineMessage("EnvironmentData", (value): { temperature: number } => {
  const { temperature } = Object(value);
  if (typeof temperature !== "number") {
    throw new TypeError("temperature must be a number");
  }
  return { temperature };
});

export const GetMean = defineMessage("GetMean", () => ({}));
export const Mean = defineMessage("Mean", (value) => value as { mean: number; count: number });

/** One instance for each room: the source of the topic is its key. */
export const ${name} = defineAgent({
  type: "${type}",
  subscriptions: ["environment_data"],
  description: "Keeps the mean temperature of a room",
  setup(agent) {
    let sum = 0;
    let count = 0;
    agent.handleEvent(Reading, ({ temperature }) => {
      sum += temperature;
      count += 1;
      console.log(\`\${agent.id}: \${temperature} °C, mean \${(sum / count).toFixed(1)} °C\`);
    });
    agent.handleRpc(GetMean, () => Mean.of({ mean: sum / count, count }));
    return {
      saveState: () => ({ sum, count }),
      loadState(state) {
        ({ sum, count } = state as { sum: number; count: number });
      },
    };
  },
});
`;

const test = (
  type: string,
  name: string,
) => `import { AgentId, registerAgent, SingleThreadedAgentRuntime, TopicId } from "agentrt";
import { expect, test } from "bun:test";
import { GetMean, ${name}, Mean, Reading } from "./${type}.ts";

test("${type} - keeps the mean of a room", async () => {
  const runtime = new SingleThreadedAgentRuntime();
  await registerAgent(runtime, ${name});
  // Answers of a known type come decoded.
  runtime.addMessageType(Mean);
  await runtime.start();

  const kitchen = new TopicId("environment_data", "kitchen");
  await runtime.publishMessage(Reading.of({ temperature: 20 }), kitchen);
  await runtime.publishMessage(Reading.of({ temperature: 22 }), kitchen);
  await runtime.idle();

  const answer = await runtime.sendMessage(GetMean.of({}), new AgentId("${type}", "kitchen"));
  expect(answer).toEqual({ mean: 21, count: 2 });
  await runtime.stop();
});
`;

const TSCONFIG = `{
  "compilerOptions": {
    "target": "ESNext",
    "module": "Preserve",
    "lib": ["ESNext", "DOM"],
    "types": [],
    "strict": true,
    "noEmit": true,
    "skipLibCheck": true,
    "allowImportingTsExtensions": true,
    "verbatimModuleSyntax": true
  },
  "exclude": ["node_modules"]
}
`;

const readme = (type: string) => `# ${type}

An agent for agentrt: \`${type}.ts\`, with its test in \`${type}.test.ts\`.

\`\`\`sh
# run the test
agentrt test
# try it: a host, a sensor and the agent in one process
agentrt --role host,environment-agent,worker --agent ${type}.ts --interval 1s
# meanwhile, in another terminal: ask it, and see what goes by
agentrt call ${type}/home --type GetMean
agentrt sub '*'
# join a host, and load the agent anew whenever the file changes
agentrt --role worker --agent ${type}.ts --host-address localhost:50051 --watch
# after an update of agentrt
agentrt types
\`\`\`

Packages work, too: \`npm install valibot\` here, then import it. \`agentrt.d.ts\` tells editors what
\`"agentrt"\` exports. For the types of \`process\`, \`node:fs\` and the like:
\`npm install --save-dev @types/bun\`, and \`"types": ["bun"]\` in \`tsconfig.json\`.
`;
