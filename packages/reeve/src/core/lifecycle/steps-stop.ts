import type { Millis } from '../../base/instant.ts';
import { prefixed, stay, tell } from './steps-idle.ts';
import type { Context, Effect, EventNamed, Next, StateNamed, StopCause } from './types.ts';

/** Asking a run to end: its stop command or its main process first, then the rest, then SIGKILL. */

/** After the grace: how long killing and verifying may take. */
export const KILL_BUDGET: Millis = 5_000;

type Stopping = StateNamed<'stopping'>;

export function beginStop(state: StateNamed<'starting' | 'running' | 'paused'>, cause: StopCause, ctx: Context): Next {
  const { timeout, command } = ctx.policy.stop;
  const stopping: Stopping = {
    name: 'stopping',
    run: state.run,
    process: state.process,
    cause,
    phase: command ? 'hook' : 'main',
    killAt: ctx.now + timeout,
    exit: null,
    readySince: state.name === 'starting' ? null : state.since,
  };
  const told = tell('service.stopping', describeCause(cause), { cause: cause.kind });
  if (timeout === 0) return prefixed([told], killAll(stopping));
  if (!command) return prefixed([told], askFirst(stopping, ctx));
  return { state: stopping, effects: [told, { do: 'hook' }, { do: 'arm', delay: timeout / 2 }] };
}

/** The stop signal to main, or to all at once. Main may have ended meanwhile: then the watch tells who is left. */
export function askFirst(state: Stopping, ctx: Context): Next {
  const { mode } = ctx.policy.stop;
  const left = Math.max(0, state.killAt - ctx.now);
  return {
    state: { ...state, phase: mode === 'all' ? 'rest' : 'main', askedAt: ctx.now },
    effects: [
      { do: 'signal', whom: mode === 'all' ? 'all' : 'main' },
      { do: 'watch' },
      { do: 'arm', delay: mode === 'main_first' ? left / 2 : left },
    ],
  };
}

export function toRest(state: Stopping, ctx: Context): Next {
  return {
    state: { ...state, phase: 'rest', askedAt: ctx.now },
    effects: [
      { do: 'signal', whom: 'rest' },
      { do: 'watch' },
      { do: 'arm', delay: Math.max(0, state.killAt - ctx.now) },
    ],
  };
}

export function killAll(state: Stopping): Next {
  return {
    state: { ...state, phase: 'kill' },
    effects: [tell('service.killing', 'stop timeout expired; sent SIGKILL'), { do: 'kill', budget: KILL_BUDGET }],
  };
}

/** The limit of the command is over: processes without the stop signal get it now, and `grace` from then on. */
export function hurry(state: Stopping, grace: Millis, ctx: Context): Next {
  if (state.phase === 'kill' || state.phase === 'reap') return stay(state);
  if (grace === 0) return killAll(state);
  const isLastAsk = state.phase === 'rest' || (state.phase === 'main' && ctx.policy.stop.mode === 'main');
  const from = isLastAsk ? (state.askedAt ?? ctx.now) : ctx.now;
  const killAt = Math.min(state.killAt, from + grace);
  if (killAt <= ctx.now) return killAll(state);
  const sooner = { ...state, killAt };
  if (isLastAsk) return { state: sooner, effects: [{ do: 'arm', delay: killAt - ctx.now }] };
  if (state.phase === 'main') return toRest(sooner, ctx);
  return askAll(sooner, ctx);
}

/** The stop command has had its time, and so has the order in which its processes are asked. */
function askAll(state: Stopping, ctx: Context): Next {
  const isMainAlone = ctx.policy.stop.mode === 'main';
  return {
    state: { ...state, phase: isMainAlone ? 'main' : 'rest', askedAt: ctx.now },
    effects: [
      { do: 'end-hook' },
      { do: 'signal', whom: isMainAlone ? 'main' : 'all' },
      { do: 'watch' },
      { do: 'arm', delay: Math.max(0, state.killAt - ctx.now) },
    ],
  };
}

/**
 * The stop command has ended. When it went well, main has the rest of the first half of the grace to end by itself;
 * otherwise the signals follow at once.
 */
export const hookEnded = (state: Stopping, event: EventNamed<'hooked'>, ctx: Context): Next => {
  if (state.phase !== 'hook') return stay(state);
  const told = tellHook(event.ok, event.what);
  if (!event.ok || state.process === null) return prefixed([told], askFirst(state, ctx));
  return { state: { ...state, phase: 'hooked' }, effects: [told, { do: 'watch' }] };
};

/** Half the grace is over, and the stop command still runs. What it has started is ended with the rest. */
export const hookTooLong = (state: Stopping, ctx: Context): Next =>
  prefixed(
    [tellHook(false, `did not end within ${ctx.policy.stop.timeout / 2000}s and was killed`), { do: 'end-hook' }],
    askFirst(state, ctx),
  );

function tellHook(ok: boolean, what: string): Effect {
  return ok
    ? tell('service.stop_command', `its stop command ${what}`, { ok })
    : tell('service.stop_command_failed', `its stop command ${what}; sending the stop signal`, { ok });
}

function describeCause(cause: StopCause): string {
  switch (cause.kind) {
    case 'asked':
      return 'stopping: requested';
    case 'stale':
      return 'stopping: restart requested';
    case 'ended':
      return 'stopping: its main process exited';
    case 'unhealthy':
      return `stopping: unhealthy, ${cause.why}`;
    case 'dependency':
    case 'not-ready':
      return `stopping: ${cause.why}`;
  }
}
