import { existsSync } from "node:fs";
import { join } from "node:path";
import { AgentrtError } from "../../core/errors.ts";
import type { CheckReport, Compacted } from "../../store/log/log-care.ts";
import { LOG_FILE } from "../../store/log/log-file-name.ts";
import { absoluteFolder } from "../data-folder.ts";
import { EXIT } from "../exit-codes.ts";
import type { Localized } from "../language.ts";
import type { Invocation } from "./command.ts";
import { DATA_ACTIONS, readAction, refuseWords } from "./durable-actions.ts";
import { durableSource } from "./durable-source.ts";
import { DURABLE_SENTENCES } from "./durable-words.ts";
import { printable } from "./printable.ts";
import { tell } from "./tell.ts";

/** The stored messages of a host that runs, or of one that does not. */
interface Keeper extends AsyncDisposable {
  check(): Promise<Checked>;
  backup(copy: string): Promise<{ readonly folder: string; readonly bytes: number }>;
  compact(): Promise<Compacted>;
}

type Checked = Omit<CheckReport, "damaged"> & {
  readonly damaged: readonly {
    readonly first: number;
    readonly last: number;
    readonly topicType?: string | undefined;
    readonly reason: string;
  }[];
};

/** `agentrt data check|backup|compact` */
export async function runData(invocation: Invocation): Promise<number> {
  const [word, ...words] = invocation.operands;
  const action = readAction("data", DATA_ACTIONS, word);
  const [copy, ...more] = words;
  if (action === "backup" && copy === undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      "agentrt data backup needs a COPY: a name such as monday, or with --data a new folder.",
    );
  }
  refuseWords(`data ${action}`, action === "backup" ? more : words);
  await using keeper = await keeperFor(invocation);
  switch (action) {
    case "check":
      return await check(invocation, await keeper.check());
    case "backup": {
      const { folder, bytes } = await keeper.backup(copy ?? "");
      const text = DURABLE_SENTENCES.backedUp(printable(folder), bytes);
      await tell(invocation, { folder, bytes }, text);
      return EXIT.done;
    }
    case "compact": {
      const { bytesBefore, bytesAfter } = await keeper.compact();
      const text = DURABLE_SENTENCES.compacted(bytesBefore, bytesAfter);
      await tell(invocation, { bytesBefore, bytesAfter }, text);
      return EXIT.done;
    }
    default:
      return action satisfies never;
  }
}

/** A folder only when it was written: the one of the settings is a running host's more often than not. */
async function keeperFor(invocation: Invocation): Promise<Keeper> {
  const { settings } = invocation;
  if (settings.originOf("data").kind === "flag") {
    return await folderKeeper(settings.values.data);
  }
  const source = durableSource(invocation);
  return {
    check: () => source.askForLong("check", {}),
    backup: (name) => source.askForLong("backup", { name }),
    compact: () => source.askForLong("compact", {}),
    [Symbol.asyncDispose]: async () => source[Symbol.dispose](),
  };
}

async function folderKeeper(data: string | undefined): Promise<Keeper> {
  const folder = data === undefined ? undefined : absoluteFolder(data);
  // A log would be made where there is none.
  if (folder === undefined || !existsSync(join(folder, LOG_FILE))) {
    throw new AgentrtError(
      "NOT_STORED",
      `There are no stored messages in ${folder ?? "none"}: it has no ${LOG_FILE}. Give the data folder of a host.`,
    );
  }
  const { openMessageLog } = await import("../../store/log/open-message-log.ts");
  const log = await openMessageLog(folder);
  return {
    check: () => log.check(),
    backup: async (copy) => {
      const target = absoluteFolder(copy);
      return { folder: target, ...(await log.backup(target)) };
    },
    compact: () => log.compact(),
    [Symbol.asyncDispose]: () => log.close(),
  };
}

async function check(invocation: Invocation, report: Checked): Promise<number> {
  const { io, options } = invocation;
  const { isSound, isMended, batches, records, structure, damaged } = report;
  if (options.json === true) {
    const facts = { isSound, isMended, batches, records, structure, damaged };
    await io.print(`${JSON.stringify(facts)}\n`);
  } else {
    const { sound, unsound, mended, damagedRange } = DURABLE_SENTENCES;
    const lines: readonly (Localized | string)[] = [
      isSound ? sound(records, batches) : unsound(records, batches),
      ...(isMended ? [mended()] : []),
      ...damaged.map(({ first, last, topicType, reason }) =>
        damagedRange(first, last, topicType ?? "", reason),
      ),
      ...(isMended ? [] : structure),
    ];
    const texts = lines.map((line) =>
      printable(typeof line === "string" ? line : line[io.language]),
    );
    await io.print(`${texts.join("\n")}\n`);
  }
  return isSound ? EXIT.done : EXIT.failed;
}
