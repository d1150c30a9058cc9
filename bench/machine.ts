import { statfs } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import type { Machine } from "./results.ts";

/** Numbers of common file systems in statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  2035054128: "overlayfs",
  16914836: "tmpfs, which is memory",
};

/** @param folder where stored messages go */
export async function describeMachine(folder: string): Promise<Machine> {
  const all = cpus();
  const { type } = await statfs(folder);
  return {
    cpuModel: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    bunVersion: Bun.version,
    fileSystem: FILE_SYSTEMS[type] ?? `number 0x${type.toString(16)}`,
  };
}
