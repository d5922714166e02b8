import { FRESH } from '../restart/restart.ts';
import type { Context, Effect, EventNamed, Next, State, StateNamed } from './types.ts';

/** Steps from the states without a process: stopped, waiting, backoff, completed, failed. */
export type Resting = StateNamed<'stopped' | 'waiting' | 'backoff' | 'completed' | 'failed'>;

/** "Nothing to do" has a name. */
export const stay = (state: State): Next => ({ state, effects: [] });

export const tell = (event: string, message: string, data?: Readonly<Record<string, unknown>>): Effect =>
  data ? { do: 'tell', event, message, data } : { do: 'tell', event, message };

export function prefixed(effects: readonly Effect[], next: Next): Next {
  return { ...next, effects: [...effects, ...next.effects] };
}

/** From rest, by a command: the account of restarts begins anew. */
export const spawn = (_state: Resting, event: EventNamed<'start'>): Next => ({
  state: { name: 'spawning', run: event.run, stop: null, hurry: false },
  effects: [{ do: 'spawn', run: event.run }],
  ledger: FRESH,
  generation: event.generation,
});

/** From `waiting` or `backoff`: the account continues unless a newer generation asks. */
export const proceed = (state: StateNamed<'waiting' | 'backoff'>, event: EventNamed<'start'>, ctx: Context): Next => ({
  ...spawn(state, event),
  ledger: ctx.ledger,
});

export const spawnAfresh = (state: StateNamed<'backoff'>, event: EventNamed<'start'>): Next => spawn(state, event);

/** A failed instance with survivors is not started: two copies could run. */
export const spawnUnlessUnfinished = (state: StateNamed<'failed'>, event: EventNamed<'start'>): Next =>
  state.run === null ? spawn(state, event) : stay(state);

export const wait = (state: Resting, event: EventNamed<'hold'>): Next => ({
  state: { name: 'waiting', last: state.last, why: event.why, hopeless: event.hopeless },
  effects: [tell('service.waiting', `waiting: ${event.why}`)],
  ledger: FRESH,
});

export const waitUnlessUnfinished = (state: StateNamed<'failed'>, event: EventNamed<'hold'>): Next =>
  state.run === null ? wait(state, event) : stay(state);

/** The reason may change many times until the start; told is that it waits, and that it waits in vain. */
export const waitOn = (state: StateNamed<'waiting'>, event: EventNamed<'hold'>): Next => {
  if (state.why === event.why && state.hopeless === event.hopeless) return stay(state);
  const isNews = state.why === null || (event.hopeless && !state.hopeless);
  return {
    state: { ...state, why: event.why, hopeless: event.hopeless },
    effects: isNews ? [tell('service.waiting', `waiting: ${event.why}`)] : [],
  };
};

export const rest = (state: Resting): Next => ({
  state: { name: 'stopped', last: state.last },
  effects: [tell('service.stopped', 'stopped')],
  ledger: FRESH,
});

export const restUnlessUnfinished = (state: StateNamed<'failed'>): Next =>
  state.run === null ? rest(state) : stay(state);

export const wake = (state: StateNamed<'backoff'>): Next => ({
  state: { name: 'waiting', last: state.last, why: null, hopeless: false },
  effects: [],
});
