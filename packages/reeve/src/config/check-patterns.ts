import { compilePattern, PATTERN_SYNTAX, PatternProblem } from '../base/pattern.ts';
import type { PlacedService } from './check-services.ts';
import type { Cursor } from './cursor.ts';

/** Refuses each pattern that reeve does not evaluate, where it stands. */
export async function checkPatterns(placed: readonly PlacedService[]): Promise<void> {
  for (const { spec, cursor } of placed) {
    const checks = { ready: spec.ready, health: spec.health?.check };
    for (const [where, check] of Object.entries(checks)) {
      if (check?.kind === 'log') await checkPattern(cursor.key(where).key('log'));
      if (check?.kind === 'http' && check.body !== null) await checkPattern(cursor.key(where).key('body'));
    }
  }
}

async function checkPattern(cursor: Cursor): Promise<void> {
  const pattern = cursor.now();
  if (pattern === null) return;
  try {
    await compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    cursor.fault(`invalid pattern: ${error.message}`, { expected: PATTERN_SYNTAX });
  }
}
