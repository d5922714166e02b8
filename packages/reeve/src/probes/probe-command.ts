import type { CommandCheck, CommandSpec } from '@reeve/contract';
import { describeLeft, type LimitedEnd, runLimited } from '@reeve/host';
import type { ProbeTarget } from '../core/interfaces.ts';
import { failed, type Outcome, reasonOf } from './outcome.ts';

/** As whom the command runs; null: as the daemon. */
export type CommandUser = { readonly uid: number; readonly gid: number } | null;

/** The answer is due at the deadline: what takes longer to kill is reported, and looked at before the next attempt. */
const KILLING = 300;

/**
 * Runs a command in the service's folder and environment, exit 0 = ok. It leads a session of its own, and nothing of
 * that outlives the attempt. What it starts outside it carries the run's cookie and counts to the service, as anything
 * else that the service starts. While an attempt that could not be killed (it has become root) is still running, a
 * second one is not started.
 */
export async function probeCommand(
  check: CommandCheck,
  target: ProbeTarget,
  user: CommandUser,
  signal: AbortSignal,
): Promise<Outcome> {
  const end = await runLimited({
    argv: argvOf(check.command),
    cwd: target.cwd,
    env: { ...target.env, REEVE_RUN: target.run },
    user,
    signal,
    leftovers: 'end',
    budget: KILLING,
  });
  return outcomeOf(end, check.command.text.slice(0, 80), signal);
}

function outcomeOf(end: LimitedEnd, text: string, signal: AbortSignal): Outcome {
  const left = end.left.length === 0 ? '' : `; ${describeLeft(end.left)}`;
  switch (end.how) {
    case 'exited':
      if (end.code === 0) return { ok: true, what: `${text} exited with 0` };
      return failed(`${text} ended with ${end.code ?? end.by}${lastLine(end.tail)}`);
    case 'refused':
      return failed(`cannot run ${text}: ${end.error.code ?? end.error.message}`);
    case 'unended':
      return failed(`${text} is not run again while the last attempt cannot be ended${left}`);
    case 'stopped':
    case 'too_much':
      return failed(`${text}: ${reasonOf(signal)}${left}${lastLine(end.tail)}`);
  }
}

function argvOf({ how }: CommandSpec): readonly string[] {
  return how.kind === 'argv' ? how.argv : [how.shell, '-c', how.script];
}

function lastLine(output: string): string {
  const line = output.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(-200)}`;
}
