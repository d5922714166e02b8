import { type Ending, endProcesses, lineageOf, scanStats, uidOf } from '@reeve/host';
import { type ActionResult, describeProcess, type FoundProcess, type KillOptions, refuse } from './action-result.ts';

const GRACE = 5000;
/** For killing and verifying. Milliseconds. */
const BUDGET = 5000;

/**
 * Ends processes that were looked up, with what belongs to them, and proves it. No process is touched when one of them is
 * this program, what started it, or, without `force`, another user's.
 */
export async function endFound(found: readonly FoundProcess[], options: KillOptions = {}): Promise<ActionResult> {
  const live = scanStats();
  const lineage = lineageOf(process.pid, live);
  const ours = found.find(({ pid }) => lineage.has(pid));
  if (ours)
    return refuse(
      'protected',
      `${describeProcess(ours)} is ${ours.pid === process.pid ? 'this program' : 'above this program'}`,
    );
  const stranger = found.find(({ pid }) => uidOf(pid) !== process.geteuid?.());
  if (stranger && !mayTouch(options)) {
    return refuse('not_permitted', `${describeProcess(stranger)} belongs to another user`);
  }
  const targets = found.map(({ process: identity, command }) => ({
    process: identity,
    command,
    foundBy: ['main'] as const,
  }));
  const endings = await endProcesses(targets, {
    grace: options.grace ?? GRACE,
    budget: BUDGET,
    spare: ({ pid }) => lineage.has(pid),
  });
  return judge(endings);
}

/** Only root could, and only when asked to. */
function mayTouch({ force = false }: KillOptions): boolean {
  return force && process.geteuid?.() === 0;
}

function judge(endings: readonly Ending[]): ActionResult {
  const processes = endings.map(({ process: { pid }, command, signals, left }) => ({ pid, command, signals, left }));
  const survivor = processes.find(({ left }) => left !== null);
  if (survivor) {
    const message = `${survivor.command} (pid ${survivor.pid}) is still there: ${survivor.left}`;
    return { ok: false, reason: 'survived', message, processes };
  }
  if (processes.every(({ signals }) => signals.length === 0)) {
    return { ok: false, reason: 'gone', message: 'it had ended by itself', processes };
  }
  return { ok: true, reason: 'done', message: `ended ${processes.map(({ pid }) => pid).join(', ')}`, processes };
}
