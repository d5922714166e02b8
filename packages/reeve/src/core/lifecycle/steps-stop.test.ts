import type { StopSpec } from '@reeve/contract';
import { expect, test } from 'vitest';
import { NEW_MACHINE, transition } from './table.ts';
import { type Event, type Machine, NO_AFTERMATH, type Policy } from './types.ts';

const bye = { text: 'bye', how: { kind: 'argv', argv: ['bye'] } } as const;
const process = { boot: 'b', pid: 100, start: 1 };
const exit = { kind: 'code', code: 0, signal: null, at: 'then' } as const;

const policy = (stop: Partial<StopSpec>): Policy => ({
  name: 's',
  oneshot: false,
  restart: { policy: 'always', backoff: { min: 0, max: 0 }, limit: null },
  stop: { signal: 'SIGTERM', timeout: 10_000, timeout_declared: true, mode: 'main_first', command: null, ...stop },
  readyTimeout: null,
  restartWhenUnhealthy: true,
});

/** Applies one event after the other; returns the last machine and the effects of the last event, without messages. */
function after(stop: Partial<StopSpec>, events: readonly (Event | { readonly at: number })[]) {
  let machine: Machine = NEW_MACHINE;
  let now = 0;
  let effects: readonly unknown[] = [];
  for (const event of events) {
    if ('at' in event && !('name' in event)) {
      now = event.at;
      continue;
    }
    const ctx = { now, at: 'then', policy: policy(stop), lacking: null, chance: 0.5, aftermath: NO_AFTERMATH };
    const next = transition(machine, event as Event, ctx);
    machine = next.machine;
    effects = next.effects.filter((e) => e.do !== 'tell');
  }
  return { state: machine.state, effects };
}

const start: Event = { name: 'start', run: 'r', generation: 1 };
const spawned: Event = { name: 'spawned', process };
const asked: Event = { name: 'stop', cause: { kind: 'asked' } };
const withHook = { command: bye };
const running = [start, spawned, { name: 'ready', how: 'x' } as const];

test('a stop command is executed instead of the signal, and has half the grace', () => {
  const { state, effects } = after(withHook, [...running, asked]);
  expect(state).toMatchObject({ name: 'stopping', phase: 'hook' });
  expect(effects).toEqual([{ do: 'hook' }, { do: 'arm', delay: 5_000 }]);
});

test('after one that went well main may end by itself, and is asked when half the grace is over', () => {
  const done = [...running, asked, { at: 1_000 }, { name: 'hooked', ok: true, what: '' } as const];
  expect(after(withHook, done)).toMatchObject({ state: { phase: 'hooked' }, effects: [{ do: 'watch' }] });
  const late = after(withHook, [...done, { at: 5_000 }, { name: 'timer' }]);
  expect(late.state).toMatchObject({ phase: 'main' });
  expect(late.effects).toEqual([{ do: 'signal', whom: 'main' }, { do: 'watch' }, { do: 'arm', delay: 2_500 }]);
  expect(after(withHook, [...done, { name: 'exited', exit }, { name: 'gone' }]).state).toMatchObject({
    name: 'stopped',
  });
});

test('after one that failed the signal follows at once, with what is left of the grace', () => {
  const failed = [...running, asked, { at: 1_000 }, { name: 'hooked', ok: false, what: '' } as const];
  expect(after(withHook, failed).effects).toEqual([
    { do: 'signal', whom: 'main' },
    { do: 'watch' },
    { do: 'arm', delay: 4_500 },
  ]);
  expect(after({ ...withHook, mode: 'all' }, failed).effects[0]).toEqual({ do: 'signal', whom: 'all' });
});

test('one that hangs is killed at half the grace, and the signal follows', () => {
  const { effects } = after(withHook, [...running, asked, { at: 5_000 }, { name: 'timer' }]);
  expect(effects[0]).toEqual({ do: 'end-hook' });
  expect(effects[1]).toEqual({ do: 'signal', whom: 'main' });
});

test('one that still runs when main has ended is waited for before the rest is asked', () => {
  const alone = [...running, asked, { name: 'exited', exit } as const];
  expect(after(withHook, alone)).toMatchObject({ state: { phase: 'hook' }, effects: [] });
  expect(after(withHook, [...alone, { name: 'remains' }]).state).toMatchObject({ phase: 'hook' });
  const over = [...alone, { name: 'hooked', ok: true, what: '' } as const, { name: 'remains' } as const];
  expect(after(withHook, over)).toMatchObject({ state: { phase: 'rest' } });
});

test('no grace, no stop command; nor for a main process that has ended by itself', () => {
  expect(after({ ...withHook, timeout: 0 }, [...running, asked]).state).toMatchObject({ phase: 'kill' });
  expect(after(withHook, [...running, { name: 'exited', exit }]).state).toMatchObject({ phase: 'main' });
});

test('a forced stop of what is just being spawned kills it as soon as it is there', () => {
  const { state, effects } = after({}, [start, asked, { name: 'hurry', grace: 0 }, spawned]);
  expect(state).toMatchObject({ name: 'stopping', phase: 'kill', cause: { kind: 'asked' } });
  expect(effects).toContainEqual({ do: 'kill', budget: 5_000 });
  expect(after({}, [start, { name: 'hurry', grace: 0 }, spawned]).state, 'no one has asked to stop it').toMatchObject({
    name: 'starting',
  });
});

test('U20: a limit that is over kills no process that has not had the stop signal for so long', () => {
  const hurried: Event = { name: 'hurry', grace: 1_000 };
  const main = after({}, [...running, asked, { at: 4_000 }, hurried]);
  expect(main.effects, 'the rest has not been asked yet').toEqual([
    { do: 'signal', whom: 'rest' },
    { do: 'watch' },
    { do: 'arm', delay: 1_000 },
  ]);
  const rest = [...running, asked, { at: 5_000 }, { name: 'timer' } as const];
  expect(after({}, [...rest, { at: 5_400 }, hurried]).effects).toEqual([{ do: 'arm', delay: 600 }]);
  expect(after({}, [...rest, { at: 6_400 }, hurried]).state).toMatchObject({ phase: 'kill' });
  const late = after({ timeout: 500 }, [...running, asked, hurried, { at: 500 }, { name: 'timer' }]);
  expect(late.state, "a shorter grace is the user's own").toMatchObject({ phase: 'kill' });
  const only = after({ mode: 'main' }, [...running, asked, { at: 300 }, hurried]);
  expect(only.effects, 'no other process is to be asked').toEqual([{ do: 'arm', delay: 700 }]);
  const hook = after(withHook, [...running, asked, { at: 100 }, hurried]);
  expect(hook.effects.slice(0, 2)).toEqual([{ do: 'end-hook' }, { do: 'signal', whom: 'all' }]);
  expect(after({}, [start, asked, hurried, spawned]).state).toMatchObject({ phase: 'rest', killAt: 1_000 });
});
