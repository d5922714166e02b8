import { settleTime } from '../restart/dependency-outage.ts';
import { FRESH } from '../restart/restart.ts';
import { fail, restAfter, tellExit } from './steps-exit.ts';
import { prefixed, stay, tell } from './steps-idle.ts';
import { readyBy } from './steps-notify.ts';
import { beginStop, hurry, killAll } from './steps-stop.ts';
import type { Context, Effect, EventNamed, Next, StateNamed, StopCause } from './types.ts';

/** Steps of a run that is wanted: spawning, starting, running. */
type Alive = StateNamed<'starting' | 'running'>;

export const remember = (state: StateNamed<'spawning'>, event: EventNamed<'stop'>): Next => ({
  state: { ...state, stop: event.cause },
  effects: [],
});

/** Asked to stop without patience while the keeper still starts it. */
export const hurrySoon = (state: StateNamed<'spawning'>, { grace }: EventNamed<'hurry'>): Next =>
  state.stop === null ? stay(state) : { state: { ...state, hurry: true, grace }, effects: [] };

export const begun = (state: StateNamed<'spawning'>, event: EventNamed<'spawned'>, ctx: Context): Next => {
  const starting: StateNamed<'starting'> = { name: 'starting', run: state.run, process: event.process, since: ctx.now };
  const started = tell('service.started', `started, pid ${event.process.pid}`, { pid: event.process.pid });
  if (state.stop) {
    const stopping = beginStop(starting, state.stop, ctx);
    if (!state.hurry || stopping.state.name !== 'stopping') return prefixed([started], stopping);
    if (!state.grace) return prefixed([started], killAll(stopping.state));
    return prefixed([started, ...stopping.effects], hurry(stopping.state, state.grace, ctx));
  }
  const limit: Effect[] = ctx.policy.readyTimeout === null ? [] : [{ do: 'arm', delay: ctx.policy.readyTimeout }];
  return { state: starting, effects: [started, ...limit, { do: 'probe', what: 'ready' }] };
};

export const refuse = (state: StateNamed<'spawning'>, event: EventNamed<'refused'>, ctx: Context): Next => {
  const told = tell('service.refused', event.failure.message, { code: event.failure.code });
  const release: Effect = { do: 'release', run: state.run };
  if (state.stop) return { state: restAfter(state.stop, null), effects: [told, release], ledger: FRESH };
  if (event.again === null) return fail(null, event.failure, [release]);
  const until = ctx.now + event.again;
  return {
    state: { name: 'backoff', last: null, until, why: event.failure.message },
    effects: [told, release, { do: 'arm', delay: event.again }],
  };
};

export const becomeReady = (state: StateNamed<'starting'>, event: EventNamed<'ready'>, ctx: Context): Next => ({
  state: { name: 'running', run: state.run, process: state.process, since: ctx.now },
  effects: [
    tell('service.ready', `ready: ${event.how}`, { by: event.how }),
    { do: 'probe', what: 'health' },
    ...awaitSettling(ctx),
  ],
});

/** It has lived through an outage that is over: it is replaced once what it needs has stayed. */
export function awaitSettling({ cascade, now }: Pick<Context, 'cascade' | 'now'>): readonly Effect[] {
  const back = cascade.outage?.back ?? null;
  if (back === null) return [];
  return [{ do: 'arm', delay: Math.max(0, back + settleTime(cascade, now) - now) }];
}

export const giveUpWaiting = (state: StateNamed<'starting'>, _event: EventNamed<'timer'>, ctx: Context): Next => {
  const limit = (readyBy(state, ctx.policy) ?? ctx.now) - state.since;
  const why = `not ready within ${Math.round(limit) / 1000}s${ctx.lacking ? `: ${ctx.lacking}` : ''}`;
  return prefixed([tell('service.not_ready', why)], beginStop(state, { kind: 'not-ready', why }, ctx));
};

export const sicken = (state: StateNamed<'running'>, event: EventNamed<'unhealthy'>, ctx: Context): Next => {
  if (!ctx.policy.restartWhenUnhealthy) return stay(state);
  return beginStop(state, { kind: 'unhealthy', by: event.by, why: event.why }, ctx);
};

export const stopAlive = (state: Alive | StateNamed<'paused'>, event: EventNamed<'stop'>, ctx: Context): Next =>
  beginStop(state, event.cause, ctx);

/** Main ended by itself. What it left behind is looked for before anything else: never a restart onto leftovers. */
export const sweep = (
  state: Alive | StateNamed<'spawning' | 'paused'>,
  event: EventNamed<'exited'>,
  ctx: Context,
): Next => ({
  state: {
    name: 'stopping',
    run: state.run,
    process: null,
    cause: state.name === 'spawning' && state.stop ? state.stop : causeOf(event),
    phase: 'main',
    killAt: ctx.now + ctx.policy.stop.timeout,
    exit: event.exit,
    readySince: state.name === 'running' || state.name === 'paused' ? state.since : null,
  },
  effects: [tellExit(event.exit), { do: 'watch' }],
});

function causeOf({ exit, watched }: EventNamed<'exited'>): StopCause {
  return exit.kind === 'unobserved' && !watched ? { kind: 'ended', unseen: true } : { kind: 'ended' };
}
