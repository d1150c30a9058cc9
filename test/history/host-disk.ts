/** The disk of a run's host: it can be full, slow or failing, lose its power, and have its bits changed. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { compileLibrary } from "../kit/compile-library.ts";
import { ImitatedDisk, readRecord } from "../kit/disk-record.ts";
import { type Random, wholeFrom } from "../kit/random.ts";

/** What may be wrong with it, in the recorder's letters. */
const TROUBLES = { full: "f", failing: "e", slow: "s" } as const;
export type DiskTrouble = keyof typeof TROUBLES;

/** Beyond them a flipped bit makes the whole file unreadable, which the host says and does not start. */
const SPARED_BYTES = 16_384;
const LOG_FILE = "log.sqlite";

export class HostDisk {
  /** The host's data folder. */
  readonly data: string;
  readonly #library: string;
  readonly #trouble: string;
  readonly #record: string;
  #disk = new ImitatedDisk();

  /** @throws Error without a C compiler */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.data = join(folder, "data");
    mkdirSync(this.data);
    this.#library = compileLibrary("disk-recorder", folder);
    this.#trouble = join(folder, "trouble");
    this.#record = join(folder, "record");
  }

  /** For the host's next life. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      RECORD_FOLDER: this.data,
      RECORD_FILE: this.#record,
      RECORD_TROUBLE: this.#trouble,
    };
  }

  get(trouble: DiskTrouble): void {
    writeFileSync(this.#trouble, TROUBLES[trouble]);
  }

  recover(): void {
    rmSync(this.#trouble, { force: true });
  }

  /** To be called when a life of the host is over. */
  ended(): void {
    this.#play();
    this.#disk.catchUp(this.data);
  }

  /** To be called instead when its power went with it. Of what was not synced, sectors are kept by chance. */
  losePower(random: Random): void {
    this.#play();
    const kept = random();
    this.#disk.loseCurrent(this.data, () => random() < kept);
    this.#disk = ImitatedDisk.of(this.data);
  }

  /** While there is no host: changes some bits, of the log or of its write-ahead log. */
  flipBits(random: Random): void {
    for (let left = wholeFrom(random, 1, 3); left > 0; left -= 1) {
      const name = random() < 0.5 ? LOG_FILE : `${LOG_FILE}-wal`;
      const path = join(this.data, name);
      const size = existsSync(path) ? statSync(path).size : 0;
      const spared = name === LOG_FILE ? SPARED_BYTES : 32;
      if (size > spared) {
        flip(path, wholeFrom(random, spared, size - 1), wholeFrom(random, 0, 7));
      }
    }
    this.#disk = ImitatedDisk.of(this.data);
  }

  #play(): void {
    if (existsSync(this.#record)) {
      for (const step of readRecord(this.#record)) {
        this.#disk.apply(step);
      }
      rmSync(this.#record);
    }
  }
}

function flip(path: string, at: number, bit: number): void {
  const descriptor = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ (1 << bit));
  writeSync(descriptor, byte, 0, 1, at);
  closeSync(descriptor);
}
