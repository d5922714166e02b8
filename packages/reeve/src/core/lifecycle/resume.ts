import type { Exit, ProcessIdentity } from '@reeve/contract';
import { FRESH } from '../restart/restart.ts';
import type { Event, Machine, State } from './types.ts';

/** What a starting daemon finds of the run that its memory names. */
export type Seen =
  | { readonly kind: 'alive'; readonly process: ProcessIdentity }
  | { readonly kind: 'ended'; readonly process: ProcessIdentity | null; readonly exit: Exit }
  /** Neither the keeper nor the system knows anything of it. */
  | { readonly kind: 'absent' };

/**
 * Where the next daemon continues, and which events it has missed. Nothing is restarted here: reconcile decides, from
 * what is then true.
 */
export function recover(
  machine: Machine,
  seen: Seen,
): { readonly machine: Machine; readonly missed: readonly Event[] } {
  const { state } = machine;
  const goOn = (missed: readonly Event[]) => ({ machine, missed });
  switch (state.name) {
    case 'spawning':
      if (seen.kind === 'absent') return { machine: withState(machine, neverStarted()), missed: [] };
      if (seen.kind === 'alive') return goOn([{ name: 'spawned', process: seen.process }]);
      return goOn([
        ...(seen.process ? [{ name: 'spawned', process: seen.process } as const] : []),
        { name: 'exited', exit: seen.exit },
      ]);
    case 'starting':
    case 'running':
    case 'paused':
    case 'stopping':
      return seen.kind === 'ended' ? goOn([{ name: 'exited', exit: seen.exit }]) : goOn([]);
    case 'stopped':
    case 'waiting':
    case 'backoff':
    case 'completed':
    case 'failed':
      return goOn([]);
  }
}

/**
 * Where it is before a daemon continues with it, for who only looks: what was missed has happened, and nothing has followed
 * from it yet.
 */
export function settled(machine: Machine, seen: Seen): Machine {
  const { machine: recovered, missed } = recover(machine, seen);
  return { ...recovered, state: missed.reduce(after, recovered.state) };
}

function after(state: State, event: Event): State {
  if (event.name === 'exited') return { name: 'stopped', last: event.exit };
  if (event.name !== 'spawned' || state.name !== 'spawning') return state;
  return { name: 'starting', run: state.run, process: event.process, since: 0 };
}

/** After a reboot every old process is history. What was to run is stale, so that reconcile starts it anew. */
export function recoverFromOtherBoot(machine: Machine, at: string): Machine {
  const { state } = machine;
  const lost: Exit = { kind: 'unobserved', code: null, signal: null, at };
  switch (state.name) {
    case 'spawning':
    case 'starting':
    case 'running':
    case 'paused':
    case 'stopping':
      return { ...withState(machine, { name: 'stopped', last: lost }), generation: 0, ledger: FRESH };
    case 'waiting':
    case 'backoff':
      return { ...withState(machine, { name: 'stopped', last: state.last }), generation: 0, ledger: FRESH };
    case 'failed':
      return state.run === null ? machine : withState(machine, { name: 'stopped', last: state.last });
    case 'stopped':
    case 'completed':
      return machine;
  }
}

function neverStarted(): State {
  return { name: 'waiting', last: null, why: null, hopeless: false };
}

function withState(machine: Machine, state: State): Machine {
  return { ...machine, state, epoch: machine.epoch + 1 };
}
