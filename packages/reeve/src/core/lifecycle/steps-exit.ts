import type { EndCause, Exit } from '@reeve/contract';
import { noteCascade, restTime } from '../restart/dependency-outage.ts';
import { type Decision, decide, describeExit, type Ended, type Ending, FRESH, isWell } from '../restart/restart.ts';
import { tell } from './steps-idle.ts';
import type { Context, Effect, Failure, Next, State, StateNamed, StopCause } from './types.ts';

/** What comes after a run. */

type Stopping = StateNamed<'stopping'>;

/** No process is left, and the exit is known as far as it ever will be. */
export function finish(state: Stopping, ctx: Context): Next {
  const release: Effect = { do: 'release', run: state.run };
  const { cause } = state;
  const exit = withCause(state.exit, endCause(cause, state.exit, ctx.aftermath.isOutOfMemory));
  switch (cause.kind) {
    case 'asked':
      return {
        state: restAfter(cause, exit),
        effects: [release, tell('service.stopped', 'stopped')],
        ledger: FRESH,
      };
    case 'stale':
      return { state: restAfter(cause, exit), effects: [release], ledger: FRESH };
    case 'dependency':
      return afterCascade(cause, exit, release, ctx);
    case 'ended':
    case 'unhealthy':
    case 'not-ready':
      return afterEnd(state, exit, release, ctx);
  }
}

/** It was ended for no fault of its own: the limit is not charged, and it starts when what it needs is there. */
function afterCascade(
  cause: Extract<StopCause, { readonly kind: 'dependency' }>,
  last: Exit | null,
  release: Effect,
  ctx: Context,
): Next {
  const delay = cause.action === 'stop' ? restTime(ctx.cascade, ctx.now) : 0;
  const ledger = { ...ctx.ledger, restarts: ctx.ledger.restarts + 1 };
  const cascade = noteCascade(ctx.cascade, ctx.now);
  const told = tell('service.restarting', `${cause.why}; starts when its dependencies are available`, {
    cause: 'dependency',
    delay_ms: delay,
  });
  if (delay === 0)
    return {
      state: { name: 'waiting', last, why: null, hopeless: false },
      effects: [release, told],
      ledger,
      cascade,
    };
  return {
    state: { name: 'backoff', last, until: ctx.now + delay, why: cause.why },
    effects: [release, told, { do: 'arm', delay }],
    ledger,
    cascade,
  };
}

function afterEnd(state: Stopping, exit: Exit | null, release: Effect, ctx: Context): Next {
  const ended = howItEnded(state, exit, ctx);
  const decision = decide(ended, ctx.policy.restart, ctx.ledger, ctx.now, ctx.chance);
  const data = {
    cause: exit?.cause ?? 'unobserved',
    ...(ended.ending === 'badly' ? { lines: ctx.aftermath.lines } : {}),
  };
  switch (decision.do) {
    case 'rest':
      return restByItself(decision.as, exit, release, whyAtRest(state, exit, ended));
    case 'fail':
      return fail(exit, failureOf(decision), [release], data);
    case 'restart':
      return again(decision, ended.what, exit, release, ctx, data);
  }
}

const IN_BACKGROUND =
  'its main process exited and left background processes, which were stopped; run it in the foreground (many programs have an option for this)';

/** Null: it ended as such a service does. */
function whyAtRest(state: Stopping, exit: Exit | null, ended: Ended): string | null {
  if (ended.ending === 'unseen') return ended.what;
  return state.left === true && isWell(exit) && !ended.oneshot ? IN_BACKGROUND : null;
}

function restByItself(as: 'stopped' | 'completed', last: Exit | null, release: Effect, why: string | null): Next {
  const told = tell(`service.${as}`, why === null ? as : `${as}: ${why}`);
  if (as === 'completed' || why !== IN_BACKGROUND) return { state: { name: as, last }, effects: [release, told] };
  return { state: { name: as, last, why }, effects: [release, told] };
}

function failureOf({ code, why, fix }: Extract<Decision, { readonly do: 'fail' }>): Failure {
  return fix === null ? { code, message: why } : { code, message: why, fix };
}

function again(
  { delay, ledger }: Extract<Decision, { readonly do: 'restart' }>,
  what: string,
  last: Exit | null,
  release: Effect,
  ctx: Context,
  data: Readonly<Record<string, unknown>>,
): Next {
  const told = tell('service.restarting', `${what}; restart ${ledger.restarts} in ${delay} ms`, {
    ...data,
    delay_ms: delay,
  });
  if (delay === 0)
    return { state: { name: 'waiting', last, why: null, hopeless: false }, effects: [release, told], ledger };
  return {
    state: { name: 'backoff', last, until: ctx.now + delay, why: what },
    effects: [release, told, { do: 'arm', delay }],
    ledger,
  };
}

function howItEnded(state: Stopping, exit: Exit | null, ctx: Context): Ended {
  const { cause, readySince } = state;
  const { blame, isOutOfMemory, missing } = ctx.aftermath;
  return {
    ending: endingOf(cause, exit, isOutOfMemory),
    oneshot: ctx.policy.oneshot,
    readyFor: readySince === null ? null : ctx.now - readySince,
    what: 'why' in cause ? cause.why : `${describeEnd(exit, isOutOfMemory)}${leftBehind(state, exit)}`,
    blame: cause.kind === 'ended' ? blame : null,
    isExcused: missing !== null,
  };
}

function endingOf(cause: StopCause, exit: Exit | null, isOutOfMemory: boolean): Ending {
  if (cause.kind !== 'ended') return 'badly';
  if (cause.unseen && !isOutOfMemory) return 'unseen';
  return isWell(exit) ? 'well' : 'badly';
}

function leftBehind({ left }: Stopping, exit: Exit | null): string {
  return left === true && isWell(exit) ? ' and left background processes, which were stopped' : '';
}

function describeEnd(exit: Exit | null, isOutOfMemory: boolean): string {
  if (isOutOfMemory) return `${describeExit(exit)}: killed by the kernel, memory limit reached`;
  if (exit?.kind === 'signal' && exit.signal === 'SIGKILL')
    return 'killed by SIGKILL, not by reeve (a kill -9, or out of memory)';
  return describeExit(exit);
}

/** The one word for why a run ended. */
function endCause(cause: StopCause, exit: Exit | null, isOutOfMemory: boolean): EndCause {
  switch (cause.kind) {
    case 'asked':
      return 'asked';
    case 'stale':
      return 'replaced';
    case 'unhealthy':
      return cause.by;
    case 'not-ready':
      return 'timeout';
    case 'dependency':
      return 'dependency';
    case 'ended':
      return isOutOfMemory ? 'oom' : (exit?.kind ?? 'unobserved');
  }
}

function withCause(exit: Exit | null, cause: EndCause): Exit | null {
  return exit && { ...exit, cause };
}

export function fail(
  last: Exit | null,
  failure: Failure,
  effects: readonly Effect[],
  data: Readonly<Record<string, unknown>> = {},
): Next {
  const fix = failure.fix === undefined ? {} : { fix: failure.fix };
  return {
    state: { name: 'failed', last, failure, run: null },
    effects: [
      ...effects,
      tell('service.failed', `failed: ${failure.message}`, { code: failure.code, ...fix, ...data }),
    ],
  };
}

export function restAfter(cause: StopCause, last: Exit | null): State {
  return cause.kind === 'stale' ? { name: 'waiting', last, why: null, hopeless: false } : { name: 'stopped', last };
}

export function tellExit(exit: Exit): Effect {
  return tell('service.exited', describeExit(exit), { exit });
}
