import { cpus, release, totalmem } from "node:os";
import type { Machine } from "./results.ts";

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpuModel: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    bunVersion: Bun.version,
  };
}
