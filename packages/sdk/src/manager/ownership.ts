import { randomBytes } from 'node:crypto';
import type { ServiceCard } from '@reeve/contract';
import { DAEMON_MARK } from '@reeve/contract';
import { environOf, isLiveState, kinOf, lineageOf, OWNER_MARK, readStat, type Stat, scanStats } from '@reeve/host';
import { livenessOf } from '../service/cards.ts';
import type { FoundProcess } from './action-result.ts';
import { lookUp } from './found-process.ts';

/** Marks what this program starts from now on as that of `id`. Returns the mark of this start. */
export function markChildren(id: string): string {
  const mark = `${id}:${randomBytes(8).toString('hex')}`;
  process.env[OWNER_MARK] = mark;
  return mark;
}

/** For what is meant to outlive this program, and must not be taken for a leftover of it. */
export function withoutMark(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { [OWNER_MARK]: _ours, ...rest } = env;
  return rest;
}

/** Whether a process is below this program. */
export function isBelowUs(pid: number): boolean {
  const live = scanStats().filter(isLiveState);
  const self = readStat(process.pid);
  return self !== null && kinOf([self], live, () => false).some(({ stat }) => stat.pid === pid);
}

/** Whether a process carries the mark of `id`, of this start or an earlier one. */
export function isMarked(pid: number, id: string): boolean {
  return environOf(pid)?.get(OWNER_MARK)?.startsWith(`${id}:`) ?? false;
}

/**
 * What earlier starts of `id` have left behind: processes with its mark that are not of this start. Not among them: a
 * daemon of reeve and what it supervises, and other services that hold a name of their own (`cards`), with what is below.
 */
export function leftoversOf(id: string, mark: string, cards: readonly ServiceCard[]): readonly FoundProcess[] {
  const live = scanStats().filter(isLiveState);
  const lineage = lineageOf(process.pid, live);
  const others = new Set(cards.filter((card) => card.id !== id && livenessOf(card) === 'live').map(({ pid }) => pid));
  const spared = new Set(
    kinOf(
      live.filter(({ pid }) => others.has(pid)),
      live,
      () => false,
    ).map(({ stat }) => stat.pid),
  );
  const isLeftover = ({ pid }: Stat): boolean => {
    if (lineage.has(pid) || others.has(pid) || spared.has(pid)) return false;
    const environ = environOf(pid);
    const owner = environ?.get(OWNER_MARK);
    return (
      owner?.startsWith(`${id}:`) === true && owner !== mark && !environ?.has(DAEMON_MARK) && !environ?.has('REEVE_RUN')
    );
  };
  return live.filter(isLeftover).flatMap(({ pid }) => lookUp(pid) ?? []);
}
