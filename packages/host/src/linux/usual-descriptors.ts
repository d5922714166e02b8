import { closeSync, openSync } from 'node:fs';
import { cleanLimit } from './clean-session.ts';
import { type LimitName, loadSyscalls, type Syscalls } from './syscalls.ts';

/** Descriptors that a spawn takes for itself, at most. */
const OF_A_SPAWN = 16;

/** The soft limit on descriptors in a clean session; null: without a binding it cannot be set. */
export function usualDescriptors(): number | null {
  const binding = loadSyscalls();
  return binding.available ? Number(cleanLimit('nofile', binding.calls.limit('nofile')).soft) : null;
}

/** Whether a spawn finds its own descriptors below the usual limit: they get the lowest free numbers. */
export function spawnsBelow(limit: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < OF_A_SPAWN) opened.push(openSync('/dev/null', 'r'));
    return Math.max(...opened) < limit;
  } catch {
    return false;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/**
 * Runs `spawn` under the usual soft limit on descriptors, which Node has raised for itself. It must fork before it
 * returns, as Node's spawn does. Where we hold so many that it would fail, what it starts keeps our limit.
 */
export function withUsualDescriptors<T>(spawn: () => T): T {
  const binding = loadSyscalls();
  const soft = usualDescriptors();
  if (!binding.available || soft === null || !spawnsBelow(soft)) return spawn();
  return withLimit(binding.calls, { name: 'nofile', soft: BigInt(soft) }, spawn);
}

export function withLimit<T>(
  calls: Syscalls,
  { name, soft }: { readonly name: LimitName; readonly soft: bigint },
  run: () => T,
): T {
  const own = calls.limit(name);
  calls.setLimit(name, { soft, hard: own.hard });
  try {
    return run();
  } finally {
    calls.setLimit(name, own);
  }
}
