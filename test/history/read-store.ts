/** Notes what the host's log says by its own commands: what is damaged, and what was given up. */
import { runAgentrt } from "../kit/run-to-end.ts";
import type { MessageName } from "./history.ts";
import type { World } from "./world.ts";

interface Checked {
  readonly records: number;
  readonly damaged: readonly {
    readonly first: number;
    readonly last: number;
    readonly topicType?: string;
  }[];
}

interface Dead {
  readonly id: number;
  readonly position: number;
  readonly subscription: string;
  readonly reason: string;
}

const MAX_DEAD = "10000";
/** What was noted already, by world. */
const noted = new WeakMap<World, Set<string>>();

export async function readStore(world: World): Promise<void> {
  const known = noted.get(world) ?? new Set<string>();
  noted.set(world, known);
  const at = ["--host-address", world.hostAddress];
  const { records, damaged } = await ask<Checked>(["data", "check", "--json", ...at]);
  for (const { first, last, topicType } of damaged) {
    if (isNew(known, `damaged ${first}`)) {
      world.file.note({ kind: "damaged", records: last - first + 1, topicType });
    }
  }
  const dead = await ask<Dead[]>(["dead", "list", "--json", "--limit", MAX_DEAD, ...at]);
  const fresh = dead.filter(({ id }) => isNew(known, `dead ${id}`));
  if (fresh.length === 0) {
    return;
  }
  const names = await readLog(records, at);
  for (const { position, subscription, reason } of fresh) {
    const name = names.get(position);
    if (name !== undefined) {
      world.file.note({ kind: "dead", agentType: subscription, reason, ...name });
    }
  }
}

function isNew(known: Set<string>, what: string): boolean {
  return known.size < known.add(what).size;
}

/** The names of all that is stored, by position. */
async function readLog(
  count: number,
  at: readonly string[],
): Promise<ReadonlyMap<number, MessageName>> {
  const from = ["--from", "1", "--json", "--count", String(count)];
  const { stdout } = await runAgentrt(["sub", "*", ...from, ...at]);
  const names = new Map<number, MessageName>();
  for (const line of stdout.split("\n").filter((one) => one !== "")) {
    const { position, data } = JSON.parse(line) as { position: number; data: MessageName };
    names.set(position, { stream: data.stream, n: data.n });
  }
  return names;
}

/** The JSON that a command prints; one that finds damage ends with 1 and prints it all the same. */
async function ask<T>(command: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runAgentrt(command);
  if (stdout === "") {
    throw new Error(`agentrt ${command.join(" ")} ended with ${code}: ${stderr}`);
  }
  return JSON.parse(stdout) as T;
}
