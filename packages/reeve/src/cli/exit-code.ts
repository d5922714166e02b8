/** When several apply, the first of these. Source: DESIGN.md, Exit codes. */
const PRECEDENCE = [2, 4, 6, 5, 8, 7, 1] as const;

/** The exit code of a command that has come to several: the weightiest; 0 when all went well. */
export function weightiest(codes: Iterable<number>): number {
  const found = new Set(codes);
  found.delete(0);
  const first = PRECEDENCE.find((code) => found.has(code));
  return first ?? Math.max(0, ...found);
}
