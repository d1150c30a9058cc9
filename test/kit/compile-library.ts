import { join, resolve } from "node:path";

/** Compiles a C source of this folder to a library for LD_PRELOAD. @returns the library's path */
export function compileLibrary(name: string, folder: string): string {
  const library = join(folder, `${name}.so`);
  const source = resolve(import.meta.dir, `${name}.c`);
  const command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"];
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) {
    throw new Error(`${source} cannot be compiled: ${stderr.toString()}`);
  }
  return library;
}
