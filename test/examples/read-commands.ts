/** A command of a README, and the lines that it prints, in this order. */
export interface ReadmeCommand {
  readonly command: string;
  readonly prints: readonly string[];
}

/**
 * The commands of a README: each block `sh` is one, and the block `text` after it says what it prints.
 * @throws Error for a command without that block
 */
export function readCommands(readme: string): readonly ReadmeCommand[] {
  const blocks = [...readme.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)].map((match) => ({
    kind: match[1],
    text: (match[2] ?? "").trim(),
  }));
  return blocks.flatMap(({ kind, text }, index) => {
    if (kind !== "sh") {
      return [];
    }
    const next = blocks[index + 1];
    if (next?.kind !== "text") {
      throw new Error(`Nothing says what "${text}" prints.`);
    }
    return [{ command: text, prints: next.text.split("\n") }];
  });
}
