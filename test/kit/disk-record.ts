import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** What a process did to the files of a folder; see disk-recorder.c. */
export type DiskStep =
  | {
      readonly kind: "write";
      readonly name: string;
      readonly offset: number;
      readonly data: Buffer;
    }
  | { readonly kind: "sync"; readonly name: string }
  | { readonly kind: "truncate"; readonly name: string; readonly size: number }
  | { readonly kind: "unlink"; readonly name: string }
  | { readonly kind: "mark"; readonly number: number };

/** Disks write sectors whole, and in any order, until they are told to sync. */
const SECTOR = 512;

/** Compiles the recorder. @returns the library's path */
export function buildRecorder(folder: string): string {
  const library = join(folder, "disk-recorder.so");
  const source = resolve(import.meta.dir, "disk-recorder.c");
  const command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"];
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) {
    throw new Error(`The disk recorder cannot be compiled: ${stderr.toString()}`);
  }
  return library;
}

export function readRecord(file: string): readonly DiskStep[] {
  const bytes = readFileSync(file);
  const steps: DiskStep[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameAt = at + 15;
    const dataAt = nameAt + bytes.readUInt16LE(at + 1);
    const offset = Number(bytes.readBigUInt64LE(at + 3));
    const end = dataAt + bytes.readUInt32LE(at + 11);
    const name = bytes.toString("utf8", nameAt, dataAt);
    steps.push(stepOf(bytes[at], name, offset, bytes.subarray(dataAt, end)));
    at = end;
  }
  return steps;
}

function stepOf(kind: number | undefined, name: string, offset: number, data: Buffer): DiskStep {
  switch (kind) {
    case 1:
      return { kind: "write", name, offset, data };
    case 2:
      return { kind: "sync", name };
    case 3:
      return { kind: "truncate", name, size: offset };
    case 4:
      return { kind: "unlink", name };
    case 5:
      return { kind: "mark", number: offset };
    default:
      throw new Error(`A recorded step of kind ${kind}.`);
  }
}

interface File {
  /** As of its last sync. */
  synced: Buffer;
  /** Done since then. */
  pending: (DiskStep & { kind: "write" | "truncate" })[];
}

/** A disk that is told what was done, and can lose its power at any moment. */
export class ImitatedDisk {
  readonly #files = new Map<string, File>();
  /** Names that the folder has for good. */
  #listed = new Map<string, File>();

  apply(step: DiskStep): void {
    switch (step.kind) {
      case "write":
      case "truncate": {
        const file = this.#files.get(step.name) ?? { synced: Buffer.alloc(0), pending: [] };
        this.#files.set(step.name, file);
        file.pending.push(step);
        return;
      }
      case "unlink":
        this.#files.delete(step.name);
        return;
      case "sync": {
        if (step.name === ".") {
          this.#listed = new Map(this.#files);
          return;
        }
        const file = this.#files.get(step.name);
        if (file !== undefined) {
          file.synced = file.pending.reduce(change, file.synced);
          file.pending = [];
        }
        return;
      }
      case "mark":
        return;
      default:
        step satisfies never;
    }
  }

  /**
   * Writes what is on the disk when its power is lost now: what was synced, and of the rest, sector by sector, what
   * `isKept` says.
   */
  loseCurrent(folder: string, isKept: () => boolean): void {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const names = new Set([...this.#listed.keys(), ...this.#files.keys()]);
    for (const name of names) {
      const [listed, current] = [this.#listed.get(name), this.#files.get(name)];
      const file = listed === current || isKept() ? current : listed;
      if (file !== undefined) {
        const content = file.pending
          .flatMap((step) => survivors(step, isKept))
          .reduce(change, file.synced);
        writeFileSync(join(folder, name), content);
      }
    }
  }
}

function survivors(step: File["pending"][number], isKept: () => boolean): File["pending"] {
  if (step.kind === "truncate") {
    return isKept() ? [step] : [];
  }
  const parts: File["pending"] = [];
  for (let from = 0; from < step.data.length; ) {
    const until = Math.min(step.data.length, from + SECTOR - ((step.offset + from) % SECTOR));
    if (isKept()) {
      parts.push({ ...step, offset: step.offset + from, data: step.data.subarray(from, until) });
    }
    from = until;
  }
  return parts;
}

function change(content: Buffer, step: File["pending"][number]): Buffer {
  if (step.kind === "truncate") {
    const cut = Buffer.alloc(step.size);
    content.copy(cut);
    return cut;
  }
  const size = Math.max(content.length, step.offset + step.data.length);
  const grown =
    size > content.length || content.length === 0 ? Buffer.alloc(size) : Buffer.from(content);
  content.copy(grown);
  step.data.copy(grown, step.offset);
  return grown;
}
