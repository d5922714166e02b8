import { basename, extname } from 'node:path';

/** Programs that are only the means: what they run gives the name. */
const MEANS = /^(node|deno|bun|python[\d.]*|ruby|perl|php|java|sh|bash|zsh|env|npm|npx|pnpm|yarn|make|sudo)$/;
/** Words that such a program takes before what it runs. */
const BETWEEN = new Set(['run', 'exec', 'start', '-jar', '-m']);

/** `node server.js` → `server`, `npm run dev` → `dev`, `/usr/bin/postgres` → `postgres`. */
export function nameOfCommand(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  const program = plain(first);
  if (!MEANS.test(program)) return program || 'run';
  const meant = rest.find((word) => !word.startsWith('-') && !BETWEEN.has(word) && !word.includes('='));
  return (meant && plain(meant)) || program;
}

function plain(word: string): string {
  const base = basename(word);
  return base
    .slice(0, base.length - extname(base).length)
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
}

/** The first of `name`, `name-2`, `name-3` … that is not taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(candidate.toLowerCase())) return candidate;
  }
}
