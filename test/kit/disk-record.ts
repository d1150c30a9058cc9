import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a process did to the files of a folder; see disk-recorder.c. */
export type DiskStep =
  | {
      readonly kind: "write";
      readonly name: string;
      readonly offset: number;
      readonly data: Buffer;
    }
  | { readonly kind: "sync" | "failedSync"; readonly name: string }
  | { readonly kind: "truncate"; readonly name: string; readonly size: number }
  | { readonly kind: "unlink"; readonly name: string }
  | { readonly kind: "mark"; readonly number: number };

/** Disks write sectors whole, and in any order, until they are told to sync. */
const SECTOR = 512;

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
    case 6:
      return { kind: "failedSync", name };
    default:
      throw new Error(`A recorded step of kind ${kind}.`);
  }
}

type Change = DiskStep & { readonly kind: "write" | "truncate" };

/** What is in a file. */
class Content {
  /** With room behind, in which nothing but zeros is. */
  #bytes: Buffer;
  #length: number;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  change(step: Change): this {
    if (step.kind === "truncate") {
      this.#grow(step.size);
      this.#bytes.fill(0, step.size);
      this.#length = step.size;
    } else {
      this.#grow(step.offset + step.data.length);
      step.data.copy(this.#bytes, step.offset);
      this.#length = Math.max(this.#length, step.offset + step.data.length);
    }
    return this;
  }

  #grow(size: number): void {
    if (size > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(size, 2 * this.#bytes.length));
      this.bytes.copy(grown);
      this.#bytes = grown;
    }
  }
}

interface File {
  /** As of its last sync. */
  readonly synced: Content;
  /** Done since then. */
  pending: Change[];
}

/** A disk that is told what was done, and can lose its power at any moment. */
export class ImitatedDisk {
  readonly #files = new Map<string, File>();
  /** Names that the folder has for good. */
  #listed = new Map<string, File>();

  /** With all files of a folder, for good. */
  static of(folder: string): ImitatedDisk {
    const disk = new ImitatedDisk();
    for (const [name, bytes] of filesIn(folder)) {
      disk.#files.set(name, { synced: new Content(bytes), pending: [] });
    }
    disk.#listed = new Map(disk.#files);
    return disk;
  }

  /**
   * What was done last before a kill may not have been recorded: takes it from the folder, as something that is not
   * synced.
   */
  catchUp(folder: string): void {
    const found = new Map(filesIn(folder));
    for (const name of this.#files.keys()) {
      if (!found.has(name)) {
        this.#files.delete(name);
      }
    }
    for (const [name, data] of found) {
      const file = this.#files.get(name);
      if (file === undefined || !contentOf(file, file.pending).equals(data)) {
        this.apply({ kind: "truncate", name, size: data.length });
        this.apply({ kind: "write", name, offset: 0, data });
      }
    }
  }

  apply(step: DiskStep): void {
    switch (step.kind) {
      case "write":
      case "truncate": {
        const file = this.#files.get(step.name) ?? { synced: new Content(), pending: [] };
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
          for (const one of file.pending) {
            file.synced.change(one);
          }
          file.pending = [];
        }
        return;
      }
      case "failedSync": {
        // The system counts it as written, though it may never be. What was cut off is not content, and stays so.
        const file = this.#files.get(step.name);
        if (file !== undefined) {
          file.pending = file.pending.filter(({ kind }) => kind === "truncate");
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
        const kept = file.pending.flatMap((step) => survivors(step, isKept));
        writeFileSync(join(folder, name), contentOf(file, kept));
      }
    }
  }
}

function survivors(step: Change, isKept: () => boolean): readonly Change[] {
  if (step.kind === "truncate") {
    return isKept() ? [step] : [];
  }
  const parts: Change[] = [];
  for (let from = 0; from < step.data.length; ) {
    const until = Math.min(step.data.length, from + SECTOR - ((step.offset + from) % SECTOR));
    if (isKept()) {
      parts.push({ ...step, offset: step.offset + from, data: step.data.subarray(from, until) });
    }
    from = until;
  }
  return parts;
}

/** With these changes since its last sync. */
function contentOf({ synced }: File, changes: readonly Change[]): Buffer {
  if (changes.length === 0) {
    return synced.bytes;
  }
  const content = new Content(synced.bytes);
  for (const one of changes) {
    content.change(one);
  }
  return content.bytes;
}

/** Names and contents. The shared index of a write-ahead log is made anew at each start, so it is left out. */
function filesIn(folder: string): (readonly [string, Buffer])[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith("-shm"))
    .map(({ name }) => [name, readFileSync(join(folder, name))]);
}
