import { awaitSettling } from './steps-alive.ts';
import { prefixed, stay, tell } from './steps-idle.ts';
import { beginStop } from './steps-stop.ts';
import type { Context, EventNamed, Next, StateNamed } from './types.ts';

/**
 * What happens to a run while what it needs goes away and comes back (`on_down`).
 *
 * - `ignore`: nothing (and nothing of it arrives here).
 * - `restart`: it runs on, and is replaced once its dependency is back and has stayed for a moment.
 * - `stop`: it is ended now, waits, and is started when its dependency is back.
 * - `pause`: once ready, it is suspended (SIGSTOP to all of it) and continues (SIGCONT) when its dependency is back.
 *
 * None of it is charged to the service's own restart limit.
 */
export const lose = (
  state: StateNamed<'starting' | 'running' | 'paused'>,
  event: EventNamed<'lost'>,
  ctx: Context,
): Next => {
  const { why } = event;
  switch (event.action) {
    case 'stop':
      return beginStop(state, { kind: 'dependency', action: 'stop', why }, ctx);
    case 'pause':
      return state.name === 'running' ? pause(state, why) : stay(state);
    case 'restart': {
      const isNews = ctx.cascade.outage === null;
      const told = tell('service.dependency_lost', `${why}; it will be restarted when that is back`);
      return { state, effects: isNews ? [told] : [], cascade: { ...ctx.cascade, outage: { why, back: null } } };
    }
  }
};

function pause({ run, process, since }: StateNamed<'running'>, why: string): Next {
  return {
    state: { name: 'paused', run, process, since, why },
    effects: [tell('service.paused', `paused: ${why}`), { do: 'suspend' }],
  };
}

export const regain = (
  state: StateNamed<'starting' | 'running'>,
  _event: EventNamed<'regained'>,
  ctx: Context,
): Next => {
  const { outage } = ctx.cascade;
  if (!outage) return stay(state);
  const cascade = { ...ctx.cascade, outage: { ...outage, back: outage.back ?? ctx.now } };
  // While it starts, the timer is the readiness limit's.
  return { state, effects: state.name === 'running' ? awaitSettling({ ...ctx, cascade }) : [], cascade };
};

export const goOn = (state: StateNamed<'paused'>, event: EventNamed<'regained'>, ctx: Context): Next => {
  const { run, process, since } = state;
  const running: StateNamed<'running'> = { name: 'running', run, process, since };
  const effects = [
    { do: 'resume' },
    tell('service.resumed', 'resumed: its dependency is back'),
    { do: 'probe', what: 'health' },
  ] as const;
  return prefixed(effects, regain(running, event, ctx));
};

/** What it needs has stayed: the run that lived through the outage is replaced. */
export const replaceAfterOutage = (state: StateNamed<'running'>, _event: EventNamed<'timer'>, ctx: Context): Next => {
  const { outage } = ctx.cascade;
  if (!outage || outage.back === null) return stay(state);
  return beginStop(state, { kind: 'dependency', action: 'restart', why: `${outage.why}, and is back` }, ctx);
};
