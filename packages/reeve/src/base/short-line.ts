/** Where a line is only quoted (`why`, `status`), not read: the most characters that are shown of it. */
export const QUOTED = 300;

/** A line to be quoted; what is cut off is counted, and `reeve logs` has it. */
export function shortLine(line: string): string {
  if (line.length <= QUOTED) return line;
  const end = isHighSurrogate(line, QUOTED - 1) ? QUOTED - 1 : QUOTED;
  return `${line.slice(0, end)} … (${line.length - end} more characters)`;
}

function isHighSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xd800 && code < 0xdc00;
}
