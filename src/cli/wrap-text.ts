import { stringWidth } from "bun";

/**
 * Breaks a text into lines of at most `width` columns. A Chinese character takes two columns and
 * may end a line; no line begins with punctuation.
 */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const piece of piecesOf(text)) {
    if (line !== "" && stringWidth(line + piece.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += line === "" ? piece.trimStart() : piece;
  }
  lines.push(line.trimEnd());
  return lines;
}

export function padToWidth(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stringWidth(text)));
}

/**
 * Between pieces a line may end: at spaces, and round each Chinese character. An opening bracket
 * belongs to what follows, other punctuation to what it follows.
 */
function piecesOf(text: string): readonly string[] {
  return (
    text.match(
      /\p{Ps}*(?:\p{Script=Han}|(?:(?![\p{Script=Han}\p{Ps}])\S)+)(?:(?!\p{Ps})\p{P})*\s*|\p{Ps}+|\s+/gu,
    ) ?? []
  );
}
