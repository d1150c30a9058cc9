import { parseArgs } from "node:util";

/** What the programs of a run are told. */
export interface ProgramArguments {
  /** Of a publisher or subscriber: the same in all its lives, as its client id. */
  readonly name: string;
  /** The name with the number of its life. */
  readonly process: string;
  readonly hostAddress: string;
  /** Where the history is noted. */
  readonly history: string;
  /** The data folder of this process. */
  readonly data: string;
  readonly seed: number;
}

export function argumentsFor(given: ProgramArguments): readonly string[] {
  return Object.entries(given).map(([name, value]) => `--${name}=${value}`);
}

export function programArguments(): ProgramArguments {
  const text = { type: "string", default: "" } as const;
  const { values } = parseArgs({
    options: {
      ...{ name: text, process: text, hostAddress: text, history: text, data: text, seed: text },
    },
  });
  return { ...values, seed: Number(values.seed) };
}
