import type { StateName } from '@reeve/contract';
import type { Instant, Millis } from '../../base/instant.ts';
import { UNTOUCHED } from '../restart/dependency-outage.ts';
import { FRESH } from '../restart/restart.ts';
import {
  awaitSettling,
  becomeReady,
  begun,
  giveUpWaiting,
  hurrySoon,
  refuse,
  remember,
  sicken,
  stopAlive,
  sweep,
} from './steps-alive.ts';
import { goOn, lose, regain, replaceAfterOutage } from './steps-cascade.ts';
import {
  proceed,
  rest,
  restUnlessUnfinished,
  spawn,
  spawnAfresh,
  spawnUnlessUnfinished,
  stay,
  wait,
  waitOn,
  waitUnlessUnfinished,
  wake,
} from './steps-idle.ts';
import { extendStart, extendStop, moveMain, readyBy } from './steps-notify.ts';
import { hookEnded, KILL_BUDGET } from './steps-stop.ts';
import {
  allGone,
  askRest,
  escalate,
  giveUpStopping,
  hurryUp,
  killSurvivors,
  noteExit,
  REAP_PATIENCE,
  settle,
  stopMore,
} from './steps-stopped.ts';
import type { Context, Effect, Event, EventName, EventNamed, Machine, State, Step, StopPhase, Table } from './types.ts';

/** Every state answers every event, or it does not compile. */
// biome-ignore format: a table is read as a table
const table: Table = {
  stopped: {
    start: spawn, hold: wait, stop: stay, hurry: stay, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: stay, main: stay, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: stay,
  },
  waiting: {
    start: proceed, hold: waitOn, stop: rest, hurry: stay, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: stay, main: stay, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: stay,
  },
  spawning: {
    start: stay, hold: stay, stop: remember, hurry: hurrySoon, spawned: begun, refused: refuse, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: sweep, main: stay, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: stay,
  },
  starting: {
    start: stay, hold: stay, stop: stopAlive, hurry: stay, spawned: stay, refused: stay, ready: becomeReady,
    unhealthy: stay, lost: lose, regained: regain, exited: sweep, main: moveMain, extend: extendStart, hooked: stay, remains: stay, gone: stay, survived: stay, timer: giveUpWaiting,
  },
  running: {
    start: stay, hold: stay, stop: stopAlive, hurry: stay, spawned: stay, refused: stay, ready: stay,
    unhealthy: sicken, lost: lose, regained: regain, exited: sweep, main: moveMain, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: replaceAfterOutage,
  },
  paused: {
    start: stay, hold: stay, stop: stopAlive, hurry: stay, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: lose, regained: goOn, exited: sweep, main: moveMain, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: stay,
  },
  stopping: {
    start: stay, hold: stay, stop: stopMore, hurry: hurryUp, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: noteExit, main: stay, extend: extendStop, hooked: hookEnded, remains: askRest, gone: allGone, survived: giveUpStopping, timer: escalate,
  },
  backoff: {
    start: spawnAfresh, hold: wait, stop: rest, hurry: stay, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: stay, main: stay, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: wake,
  },
  completed: {
    start: spawn, hold: wait, stop: rest, hurry: stay, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: stay, main: stay, extend: stay, hooked: stay, remains: stay, gone: stay, survived: stay, timer: stay,
  },
  failed: {
    start: spawnUnlessUnfinished, hold: waitUnlessUnfinished, stop: restUnlessUnfinished, hurry: killSurvivors, spawned: stay, refused: stay, ready: stay,
    unhealthy: stay, lost: stay, regained: stay, exited: stay, main: stay, extend: stay, hooked: stay, remains: stay, gone: settle, survived: stay, timer: stay,
  },
};

/** The one place where an instance's state changes. Pure: the shell carries the effects out and reports back. */
export function transition(
  machine: Machine,
  event: Event,
  ctx: Omit<Context, 'ledger' | 'cascade'>,
): { readonly machine: Machine; readonly effects: readonly Effect[] } {
  // The table has a step for this very pair; TypeScript cannot follow the pairing through two unions.
  const step = table[machine.state.name][event.name] as Step<StateName, EventName>;
  const next = step(machine.state, event as EventNamed<EventName>, {
    ...ctx,
    ledger: machine.ledger,
    cascade: machine.cascade,
  });
  const cascade = next.cascade ?? machine.cascade;
  return {
    machine: {
      state: next.state,
      generation: next.generation ?? machine.generation,
      ledger: next.ledger ?? machine.ledger,
      // A new run has lived through nothing yet.
      cascade: next.state.name === 'spawning' && cascade.outage ? { ...cascade, outage: null } : cascade,
      epoch: next.state.name === machine.state.name ? machine.epoch : machine.epoch + 1,
    },
    effects: next.effects,
  };
}

export const NEW_MACHINE: Machine = {
  state: { name: 'stopped', last: null },
  generation: 0,
  ledger: FRESH,
  cascade: UNTOUCHED,
  epoch: 0,
};

/** Whether a process of the instance may exist: the next start must wait until this is false. */
export function mayBeAlive(state: State): boolean {
  switch (state.name) {
    case 'spawning':
    case 'starting':
    case 'running':
    case 'paused':
    case 'stopping':
      return true;
    case 'failed':
      return state.run !== null;
    case 'stopped':
    case 'waiting':
    case 'backoff':
    case 'completed':
      return false;
  }
}

/** The run whose processes may exist. */
export function runOf(state: State): string | null {
  return 'run' in state ? state.run : null;
}

/** Timers and watches of a state, armed again by a daemon that continues from a persisted machine. */
export function resume(machine: Machine, ctx: Omit<Context, 'ledger' | 'cascade'>): readonly Effect[] {
  const { state } = machine;
  const left = (at: Instant): Millis => Math.max(0, at - ctx.now);
  switch (state.name) {
    case 'starting': {
      const by = readyBy(state, ctx.policy);
      return [...(by === null ? [] : [{ do: 'arm', delay: left(by) } as const]), { do: 'probe', what: 'ready' }];
    }
    case 'running':
      return [{ do: 'probe', what: 'health' }, ...awaitSettling({ now: ctx.now, cascade: machine.cascade })];
    case 'stopping':
      return resumeStop(state.phase, left(state.killAt));
    case 'backoff':
      return [{ do: 'arm', delay: left(state.until) }];
    case 'failed':
      return state.run === null ? [] : [{ do: 'watch' }];
    case 'spawning':
    case 'paused':
    case 'stopped':
    case 'waiting':
    case 'completed':
      return [];
  }
}

function resumeStop(phase: StopPhase, left: Millis): readonly Effect[] {
  switch (phase) {
    case 'hook':
      return [{ do: 'hook' }, { do: 'arm', delay: left / 2 }];
    case 'hooked':
      return [{ do: 'watch' }, { do: 'arm', delay: left / 2 }];
    case 'main':
      return [{ do: 'signal', whom: 'main' }, { do: 'watch' }, { do: 'arm', delay: left / 2 }];
    case 'rest':
      return [{ do: 'signal', whom: 'all' }, { do: 'watch' }, { do: 'arm', delay: left }];
    case 'kill':
      return [{ do: 'kill', budget: KILL_BUDGET }];
    case 'reap':
      return [{ do: 'arm', delay: REAP_PATIENCE }];
  }
}
