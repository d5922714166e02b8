import type { Exit } from '@reeve/contract';
import { iso } from '../../base/instant.ts';

/** The end of a process that was not waited for. `at`: when that was noticed, ms since 1970. */
export function unobserved(at: number): Exit {
  return { kind: 'unobserved', code: null, signal: null, at: iso(at) };
}
