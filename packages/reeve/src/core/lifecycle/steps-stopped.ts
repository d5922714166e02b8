import type { Millis } from '../../base/instant.ts';
import { FRESH } from '../restart/restart.ts';
import { finish, tellExit } from './steps-exit.ts';
import { prefixed, stay, tell } from './steps-idle.ts';
import { askFirst, hookTooLong, hurry, KILL_BUDGET, killAll, toRest } from './steps-stop.ts';
import type { Context, Effect, EventNamed, Next, StateNamed } from './types.ts';

/** How a run that is being ended gets on, and what comes after it. */

/** Every process is gone, and the keeper has not reported the exit status yet: how long to wait for it. */
export const REAP_PATIENCE: Millis = 2_000;

export const stopMore = (state: StateNamed<'stopping'>, event: EventNamed<'stop'>): Next =>
  state.cause.kind === 'asked' ? stay(state) : { state: { ...state, cause: event.cause }, effects: [] };

export const noteExit = (state: StateNamed<'stopping'>, event: EventNamed<'exited'>, ctx: Context): Next => {
  const noted = { ...state, process: null, exit: state.exit ?? event.exit };
  const told = state.exit ? [] : [tellExit(event.exit)];
  if (state.phase === 'reap') return prefixed(told, finish(noted, ctx));
  // The rest has not been asked yet: look who is left (answered by `remains` or `gone`). A stop command that still
  // runs is one of them, and is waited for.
  const isEarly = state.phase === 'main' || state.phase === 'hooked';
  return { state: noted, effects: isEarly ? [...told, { do: 'watch' }] : told };
};

/** Main is gone and others are left: they get the stop signal now, or SIGKILL where only main is to be asked. */
export const askRest = (state: StateNamed<'stopping'>, _event: EventNamed<'remains'>, ctx: Context): Next => {
  if ((state.phase !== 'main' && state.phase !== 'hooked') || state.process !== null) return stay(state);
  const [seen, told] = noteLeft(state);
  return prefixed(told, ctx.policy.stop.mode === 'main' ? killAll(seen) : toRest(seen, ctx));
};

/** A main process that ends by itself and leaves others is mostly a program that puts itself in the background. */
function noteLeft(state: StateNamed<'stopping'>): readonly [StateNamed<'stopping'>, readonly Effect[]] {
  if (state.cause.kind !== 'ended') return [state, []];
  const told = tell('service.left_behind', 'its main process exited and left other processes: stopping them');
  return [{ ...state, left: true }, [told]];
}

export const escalate = (state: StateNamed<'stopping'>, _event: EventNamed<'timer'>, ctx: Context): Next => {
  switch (state.phase) {
    case 'hook':
      return hookTooLong(state, ctx);
    case 'hooked':
      return askFirst(state, ctx);
    case 'main':
      return ctx.now >= state.killAt ? killAll(state) : toRest(state, ctx);
    case 'rest':
      return killAll(state);
    case 'kill':
      return stay(state);
    case 'reap':
      return finish(
        { ...state, exit: state.exit ?? { kind: 'unobserved', code: null, signal: null, at: ctx.at } },
        ctx,
      );
  }
};

export const hurryUp = (state: StateNamed<'stopping'>, event: EventNamed<'hurry'>, ctx: Context): Next =>
  hurry(state, event.grace, ctx);

export const allGone = (state: StateNamed<'stopping'>, _event: EventNamed<'gone'>, ctx: Context): Next => {
  if (state.process === null || state.exit !== null) return finish(state, ctx);
  return { state: { ...state, phase: 'reap' }, effects: [{ do: 'arm', delay: REAP_PATIENCE }] };
};

export const giveUpStopping = (state: StateNamed<'stopping'>, event: EventNamed<'survived'>): Next => ({
  state: {
    name: 'failed',
    last: state.exit,
    failure: { code: 'UNFINISHED_STOP', message: `stop incomplete: ${event.who}` },
    run: state.run,
  },
  effects: [
    tell('service.failed', `failed: stop incomplete: ${event.who}`, { code: 'UNFINISHED_STOP' }),
    { do: 'watch' },
  ],
});

/** The survivors of an unfinished stop are gone at last. */
export const settle = (state: StateNamed<'failed'>): Next => {
  if (state.run === null) return stay(state);
  return {
    state: { name: 'stopped', last: state.last },
    effects: [
      { do: 'release', run: state.run },
      tell('service.stopped', 'stopped: the processes left by the unfinished stop are gone'),
    ],
    ledger: FRESH,
  };
};

export const killSurvivors = (state: StateNamed<'failed'>): Next =>
  state.run === null ? stay(state) : { state, effects: [{ do: 'kill', budget: KILL_BUDGET }] };
