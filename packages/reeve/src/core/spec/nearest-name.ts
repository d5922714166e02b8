/** Edits between two words: insert, delete, replace, or swap two neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(before, j - 2) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;

/** What a person types for a name is rarely longer than this; more is not compared (cost is the product of lengths). */
const LONGEST = 120;

/**
 * The known name that was most likely meant, or null when none is near: few edits apart without regard to case, `-` and
 * `_`, or an abbreviation of it, or it of a known one ("databse" → "db").
 */
export function nearestName(wanted: string, known: Iterable<string>): string | null {
  const goal = plain(wanted.slice(0, LONGEST));
  if (goal === '') return null;
  let best: { name: string; score: number } | null = null;
  for (const name of known) {
    const score = scoreOf(goal, plain(name.slice(0, LONGEST)));
    if (score !== null && (best === null || score < best.score)) best = { name, score };
  }
  return best?.name ?? null;
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/** Lower is nearer; null: too far. Abbreviations come after every match by edits. */
function scoreOf(goal: string, name: string): number | null {
  const edits = editDistance(goal, name);
  const longest = Math.max(goal.length, name.length);
  if (edits < longest && edits <= Math.max(1, Math.floor(longest * 0.34))) return edits;
  const [short, long] = goal.length < name.length ? [goal, name] : [name, goal];
  return short.length >= 2 && short[0] === long[0] && isAbbreviation(short, long)
    ? 1000 + long.length - short.length
    : null;
}

function isAbbreviation(short: string, long: string): boolean {
  let from = 0;
  for (const letter of short) {
    from = long.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
