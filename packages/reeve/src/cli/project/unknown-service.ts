import { ReeveError } from '@reeve/contract';
import { nearestName } from '../../core/spec/nearest-name.ts';

export function unknownService(name: string, project: string, known: readonly string[]): ReeveError {
  return new ReeveError('SERVICE_UNKNOWN', { name, project, near: nearestName(name, known) ?? undefined });
}

/** The known names that words mean (all when there are none), without regard to case and to `:index`. */
export function chooseServices(words: readonly string[], project: string, known: readonly string[]): readonly string[] {
  if (words.length === 0) return known;
  const chosen = words.map((word) => {
    const name = word.replace(/:\d+$/, '').toLowerCase();
    const found = known.find((each) => each.toLowerCase() === name);
    if (found === undefined) throw unknownService(word, project, known);
    return found;
  });
  return [...new Set(chosen)];
}
