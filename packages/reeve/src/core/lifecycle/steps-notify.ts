import type { Instant, Millis } from '../../base/instant.ts';
import { stay, tell } from './steps-idle.ts';
import type { Context, EventNamed, Next, Policy, StateNamed } from './types.ts';

/** What a run may change about itself by saying so: which process is its main one, and how long things may take. */

export const moveMain = (state: StateNamed<'starting' | 'running' | 'paused'>, event: EventNamed<'main'>): Next => ({
  state: { ...state, process: event.process },
  effects: [
    tell('service.main_changed', `its main process is now pid ${event.process.pid}`, { pid: event.process.pid }),
  ],
});

/** When a start that is not ready counts as failed; null: never. */
export function readyBy(state: StateNamed<'starting'>, policy: Policy): Instant | null {
  if (policy.readyTimeout === null) return null;
  return Math.max(state.since + policy.readyTimeout, state.until ?? 0);
}

export const extendStart = (state: StateNamed<'starting'>, event: EventNamed<'extend'>, ctx: Context): Next => {
  const by = readyBy(state, ctx.policy);
  const until = ctx.now + event.by;
  if (by === null || until <= by) return stay(state);
  return { state: { ...state, until }, effects: [{ do: 'arm', delay: event.by }] };
};

/** Everything that is still asked gently gets more time; what is being killed does not. */
export const extendStop = (state: StateNamed<'stopping'>, event: EventNamed<'extend'>, ctx: Context): Next => {
  const killAt = ctx.now + event.by;
  if (killAt <= state.killAt || state.phase === 'kill' || state.phase === 'reap') return stay(state);
  const left: Millis = killAt - ctx.now;
  const isFirstHalf = state.phase !== 'rest' && ctx.policy.stop.mode === 'main_first';
  return { state: { ...state, killAt }, effects: [{ do: 'arm', delay: isFirstHalf ? left / 2 : left }] };
};
