import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { limitsOf } from './limits-of.ts';
import { LIMIT_NAMES, type Limit, type LimitName, loadSyscalls, type Syscalls } from './syscalls.ts';

/**
 * A clean session (decision 0022): limits as the first process of the system has them, with the usual soft limits on
 * descriptors and core files, niceness 0, the usual scheduling, no signal ignored.
 */
export const USUAL_SOFT: Partial<Record<LimitName, bigint>> = { nofile: 1024n, core: 0n };
/** The first process of a system with systemd raises these for itself; sessions have these. Source: systemd-system.conf(5). */
const USUAL_HARD: Partial<Record<LimitName, bigint>> = { nofile: 524_288n, memlock: 8n << 20n };

/** A hard limit is never lowered: as an ordinary user we could not take that back. */
export function cleanLimit(name: LimitName, own: Limit, first: Limit = own): Limit {
  const usual = USUAL_HARD[name];
  const hard = max(own.hard, usual === undefined ? first.hard : min(first.hard, usual));
  return { soft: min(USUAL_SOFT[name] ?? first.soft, usual ?? hard, hard), hard };
}

/** What a process hands on to whatever it starts: its niceness, and its hard limits as far as a clean session has them. */
export function sessionOf(
  pid: number,
): { readonly niceness: number; readonly limits: ReadonlyMap<string, bigint> } | null {
  const limits = [...limitsOf(pid)].map(([name, { hard }]) => [name, min(hard, USUAL_HARD[name] ?? hard)] as const);
  try {
    return { niceness: os.getPriority(pid), limits: new Map(limits) };
  } catch {
    return null; // it is gone
  }
}

/**
 * Undoes what the shell that started us had set for itself, as far as we may: what we start must not depend on it. The
 * soft limit on descriptors stays at the hard one, for our own use: see {@link withUsualDescriptors}.
 */
export function enterCleanSession(): void {
  attempt(() => os.setPriority(0));
  attempt(() => writeFileSync('/proc/self/oom_score_adj', '0'));
  const binding = loadSyscalls();
  if (!binding.available) return;
  const { calls } = binding;
  const first = limitsOf(1);
  for (const name of LIMIT_NAMES) if (name !== 'rttime') attempt(() => cleanUpLimit(calls, name, first.get(name)));
  attempt(calls.scheduleAsUsual);
  attempt(calls.useAllCpus);
  attempt(calls.accessDisksAsUsual);
  attempt(calls.handleSignalsAsUsual);
}

function cleanUpLimit(calls: Syscalls, name: LimitName, first: Limit | undefined): void {
  const own = calls.limit(name);
  const clean = cleanLimit(name, own, first);
  const wanted = name === 'nofile' ? { soft: clean.hard, hard: clean.hard } : clean;
  try {
    calls.setLimit(name, wanted);
  } catch {
    calls.setLimit(name, { soft: min(wanted.soft, own.hard), hard: own.hard }); // EPERM: only root may raise a hard one
  }
}

/** What is not permitted stays as it was: `up` and `daemon status` compare and say so. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // An ordinary user cannot undo everything.
  }
}

function min(first: bigint, ...others: readonly bigint[]): bigint {
  let least = first;
  for (const each of others) if (each < least) least = each;
  return least;
}
const max = (a: bigint, b: bigint): bigint => -min(-a, -b);
