import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** More than a file system keeps beside a file's name. */
const PIECE = new Uint8Array(4_096);

/**
 * Why a folder's disk takes no data, as the system's code such as `EROFS`; undefined when it does take some.
 * SQLite says of most failures only that there was one.
 */
export function diskProblem(folder: string): string | undefined {
  const file = join(folder, `.trial-${process.pid}`);
  try {
    const descriptor = openSync(file, "w", 0o600);
    try {
      writeSync(descriptor, PIECE);
      fsyncSync(descriptor);
      ftruncateSync(descriptor, 0);
    } finally {
      closeSync(descriptor);
      rmSync(file, { force: true });
    }
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : undefined;
  }
}
