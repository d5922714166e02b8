import { type KillTarget, ReeveError } from '@reeve/contract';
import { compilePattern, type Pattern, PatternProblem } from '../../base/pattern.ts';

/** A target whose pattern is compiled. */
export type Aim = Exclude<KillTarget, { kind: 'pattern' }> | { readonly kind: 'pattern'; readonly pattern: Pattern };

/** Throws USAGE for an invalid pattern. */
export async function aimAt(target: KillTarget): Promise<Aim> {
  if (target.kind !== 'pattern') return target;
  const { pattern } = target;
  if (pattern === '') {
    const hint = 'a service, a pid, :port, or --pattern RE';
    throw new ReeveError('USAGE', { message: 'an empty pattern matches every process', hint });
  }
  try {
    return { kind: 'pattern', pattern: await compilePattern(pattern) };
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    const hint = 'quote it, and write \\ before ( [ * + ? that mean themselves';
    throw new ReeveError('USAGE', { message: `--pattern: ${error.message}`, hint });
  }
}
