import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { portHolders } from '@reeve/host';
import { type Announced, portsOf } from '../core/announced.ts';
import { commandOf } from './clean-up.ts';

/** `not_announced`: it is cleaned, and nobody knows how to start it. */
export interface StartOutcome {
  readonly ok: boolean;
  readonly reason: 'done' | 'failed' | 'timed_out' | 'not_announced';
  readonly message: string | null;
}

/** A start that says nothing counts when it has lived this long. Milliseconds. */
const LIVES = 1000;
const LOOK = 50;

/**
 * Runs the announced start. It has started what it should when it ends with 0, when every announced port is listened on,
 * or, with no ports, when it has lived for a second; it goes on when we end. Never rejects.
 */
export async function startAnnounced(
  { card }: Announced,
  { env, limit }: { readonly env: Readonly<Record<string, string>>; readonly limit: number },
): Promise<StartOutcome> {
  const command = commandOf(card.announcement?.start ?? null);
  if (command === null) {
    const message = card.announcement?.start
      ? 'its start was a method of the process that has ended'
      : 'announces no start';
    return { ok: false, reason: 'not_announced', message };
  }
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const child = spawn(file, args, { cwd: card.cwd, env, detached: true, stdio: 'ignore' });
  const seen: { end: string | 'well' | null } = { end: null };
  once(child, 'exit').then(
    ([code, signal]: unknown[]) => {
      seen.end = code === 0 ? 'well' : typeof code === 'number' ? `exit code ${code}` : `ended by ${String(signal)}`;
    },
    (error: NodeJS.ErrnoException) => {
      seen.end = `cannot be executed: ${error.message}`;
    },
  );
  const outcome = await watch(
    seen,
    portsOf(card).map(({ port }) => port),
    limit,
  );
  child.unref();
  return outcome;
}

async function watch(
  seen: { readonly end: string | null },
  ports: readonly number[],
  limit: number,
): Promise<StartOutcome> {
  for (const began = performance.now(); ; await pause(LOOK)) {
    const lived = performance.now() - began;
    if (seen.end === 'well') return { ok: true, reason: 'done', message: null };
    if (seen.end !== null) return { ok: false, reason: 'failed', message: seen.end };
    const isThere = ports.length > 0 ? ports.every((port) => portHolders(port).length > 0) : lived > LIVES;
    if (isThere) return { ok: true, reason: 'done', message: null };
    if (lived > limit)
      return { ok: false, reason: 'timed_out', message: `its ports are not listened on after ${limit} ms` };
  }
}
