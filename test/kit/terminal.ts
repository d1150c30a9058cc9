import { environmentFor } from "./process.ts";
import { waitFor } from "./wait.ts";

/** A program on a terminal of its own, as a person at a keyboard has it. */
export class TerminalSession implements AsyncDisposable {
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess;
  #screen = "";

  constructor(command: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const decoder = new TextDecoder();
    this.#child = Bun.spawn([...command], {
      env: environmentFor({ TERM: "xterm", ...env }),
      terminal: {
        cols: 100,
        rows: 30,
        data: (_terminal, bytes) => {
          this.#screen += decoder.decode(bytes, { stream: true });
        },
      },
    });
    this.exited = this.#child.exited;
  }

  /** Everything that was written to the terminal so far. */
  get screen(): string {
    return this.#screen;
  }

  type(keys: string): void {
    this.#child.terminal?.write(keys);
  }

  async waitForScreen(text: string | RegExp): Promise<void> {
    const isThere = (): boolean =>
      typeof text === "string" ? this.#screen.includes(text) : text.test(this.#screen);
    await waitFor(isThere, { what: `${text} on the screen: ${JSON.stringify(this.#screen)}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#child.terminal?.close();
  }
}
