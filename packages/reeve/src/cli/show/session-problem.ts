import type { DaemonAbout, DaemonProblem } from '@reeve/contract';
import { sessionOf, USUAL_SOFT } from '@reeve/host';
import { type Measure, sessionShortfall } from '../../core/session-shortfall.ts';

/**
 * What services still inherit from the shell that started the keeper or the daemon: without the rights of root, a hard
 * limit is never raised and a niceness never lowered (decision 0022). What a unit sets is on purpose.
 */
export function sessionProblems({ managed_by, keepers }: DaemonAbout, daemon: number): readonly DaemonProblem[] {
  const isOurs = managed_by === null;
  const other = sessionOf(isOurs ? process.pid : daemon);
  if (other === null) return [];
  const measure = { usual: USUAL_SOFT, other, whose: isOurs ? 'this shell' : 'the daemon' };
  const [keeper] = keepers;
  const pids = [...(keeper ? [['keeper', keeper.pid] as const] : []), ...(isOurs ? [['daemon', daemon] as const] : [])];
  for (const [what, pid] of pids) {
    const lacking = shortfall(pid, measure);
    if (lacking.length > 0)
      return [problem(`the ${what} (pid ${pid})`, lacking, shortfall(process.pid, measure).length === 0)];
  }
  return [];
}

function shortfall(pid: number, measure: Measure): readonly string[] {
  const session = sessionOf(pid);
  return session === null ? [] : sessionShortfall(session, measure);
}

function problem(who: string, lacking: readonly string[], isFreeHere: boolean): DaemonProblem {
  const message = `services inherit from the shell that started ${who}, and reeve may not change it: ${lacking.join(', ')}`;
  const where = isFreeHere ? 'from this shell' : 'from a shell without this';
  return { code: 'session_limited', message, hint: `reeve daemon stop --with-services; then reeve up, ${where}` };
}
