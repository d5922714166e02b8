import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { CommandCheck, CommandSpec } from '@reeve/contract';
import { bootId, readStat, sendSignal, withUsualDescriptors } from '@reeve/host';
import type { ProbeTarget } from '../core/interfaces.ts';
import { failed, type Outcome, reasonOf } from './outcome.ts';

/** How much of what it prints is kept, from the end. Characters. */
const OUTPUT_KEPT = 4096;

/** As whom the command runs; null: as the daemon. */
export type CommandUser = { readonly uid: number; readonly gid: number } | null;

/**
 * Runs a command in the service's folder and environment, exit 0 = ok. It leads a session and group of its own, and
 * nothing of that group outlives the attempt. What it starts outside the group carries the run's cookie and counts to
 * the service, as anything else that the service starts.
 */
export function probeCommand(
  check: CommandCheck,
  target: ProbeTarget,
  user: CommandUser,
  signal: AbortSignal,
): Promise<Outcome> {
  const text = check.command.text.slice(0, 80);
  if (signal.aborted) return Promise.resolve(failed(`${text}: ${reasonOf(signal)}`));
  return new Promise((resolve) => {
    const child = start(check.command, target, user);
    const output = keepEnd(child);
    let unended = '';
    const abort = (): void => {
      // Not reaped yet, so the number is still its own and its group's.
      if (child.pid !== undefined && child.pid > 1 && child.exitCode === null && child.signalCode === null) {
        unended = killGroup(child.pid) ? '' : `; pid ${child.pid} has become another user, and may not be ended`;
      }
      settle(failed(`${text}: ${reasonOf(signal)}${unended}${lastLine(output())}`));
    };
    const settle = (outcome: Outcome): void => {
      signal.removeEventListener('abort', abort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(outcome);
    };
    signal.addEventListener('abort', abort, { once: true });
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle(failed(`cannot run ${text}: ${error.code ?? error.message}`)),
    );
    child.on('exit', (code, killedBy) => {
      endLeftovers(child.pid, target.run);
      if (code === 0) settle({ ok: true, what: `${text} exited with 0` });
      // One turn later, what it printed last has been read.
      else setImmediate(() => settle(failed(`${text} ended with ${code ?? killedBy}${lastLine(output())}`)));
    });
  });
}

function start(command: CommandSpec, target: ProbeTarget, user: CommandUser): ChildProcess {
  const { how } = command;
  const [program = '', ...args] = how.kind === 'argv' ? how.argv : [how.shell, '-c', how.script];
  return withUsualDescriptors(() =>
    spawn(program, args, {
      cwd: target.cwd,
      env: { ...target.env, REEVE_RUN: target.run },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user && { uid: user.uid, gid: user.gid }),
    }),
  );
}

/** Reads everything, so that the command never blocks on a full pipe, and remembers the end. */
function keepEnd(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-OUTPUT_KEPT);
    });
  }
  return () => kept;
}

function lastLine(output: string): string {
  const line = output.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(-200)}`;
}

/** false: a command that has become root (`sudo`) is not ours to end, which is an answer like another. */
function killGroup(leader: number): boolean {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') return false;
    if (code !== 'ESRCH') throw error;
  }
  return true;
}

/**
 * The leader has been reaped, so its number alone proves nothing any more: of the group that still bears it, only
 * processes with the run's cookie are ended.
 */
function endLeftovers(leader: number | undefined, run: string): void {
  if (leader === undefined || !groupExists(leader)) return;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    if (stat?.pgrp !== leader || stat.session !== leader) continue;
    const identity = { boot: bootId(), pid: stat.pid, start: stat.start };
    sendSignal(identity, { cookie: run, cgroup: null }, 'SIGKILL');
  }
}

function groupExists(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
