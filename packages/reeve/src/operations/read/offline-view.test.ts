import type { ProcessIdentity } from '@reeve/contract';
import { expect, test } from 'vitest';
import { NEW_MACHINE } from '../../core/lifecycle/table.ts';
import type { State } from '../../core/lifecycle/types.ts';
import type { RunRow } from '../../core/registry.ts';
import { type Eyes, trueMachine } from './offline-view.ts';

const main: ProcessIdentity = { boot: 'b', pid: 42, start: 7 };
const eyes = (...alive: ProcessIdentity[]): Eyes => ({
  now: Date.parse('2026-11-21T12:00:00.000Z'),
  isAlive: (process) => alive.some((each) => each.pid === process.pid && each.start === process.start),
  boot: 'b',
  isListening: () => false,
});
const exited = { kind: 'code', code: 3, signal: null, at: '2026-11-21T11:00:00.000Z' } as const;
const run = (over: Partial<RunRow> = {}): RunRow => ({
  ...{
    run: 'r',
    folder: '/p',
    service: 's',
    index: 0,
    generation: 1,
    id: 'i',
    started_at: 0,
    ready_at: null,
    ended_at: null,
    exit: null,
  },
  marks: { run: 'r', main, witness: { cookie: 'r', cgroup: null }, mark: null, ports: [] },
  ...over,
});
const seen = (state: State, runs: readonly RunRow[], see: Eyes, boot = 'b') =>
  trueMachine({ ...NEW_MACHINE, state }, runs, see, boot).state;
const running: State = { name: 'running', run: 'r', process: main, since: 0 };

test('a process that lives is shown as remembered', () => {
  expect(seen(running, [run()], eyes(main))).toEqual(running);
});

test('one whose pid was taken by another is gone, and how it ended is unknown', () => {
  const state = seen(running, [run()], eyes({ ...main, start: 8 }));
  expect(state).toEqual({
    name: 'stopped',
    last: { kind: 'unobserved', code: null, signal: null, at: '2026-11-21T12:00:00.000Z' },
  });
});

test('an exit that was seen is shown', () => {
  expect(seen(running, [run({ exit: exited })], eyes())).toEqual({ name: 'stopped', last: exited });
});

test('a start that the daemon did not live to see has either happened or not', () => {
  const spawning: State = { name: 'spawning', run: 'r', stop: null, hurry: false };
  expect(seen(spawning, [run()], eyes(main))).toMatchObject({ name: 'starting', process: main });
  expect(seen(spawning, [run()], eyes())).toMatchObject({ name: 'stopped', last: { kind: 'unobserved' } });
  const never = [run({ marks: { ...run().marks, main: null } })];
  expect(seen(spawning, never, eyes(main))).toEqual({ name: 'waiting', last: null, why: null, hopeless: false });
});

test('a stop that was under way is finished when its process is gone', () => {
  const stopping: State = {
    ...{
      name: 'stopping',
      run: 'r',
      process: main,
      cause: { kind: 'asked' },
      phase: 'main',
      killAt: 0,
      exit: null,
      readySince: null,
    },
  };
  expect(seen(stopping, [run()], eyes(main))).toEqual(stopping);
  expect(seen({ ...stopping, exit: exited }, [run()], eyes())).toEqual({ name: 'stopped', last: exited });
});

test('what does not run is as it was', () => {
  const failed: State = { name: 'failed', last: exited, failure: { code: 'exit', message: 'exited' }, run: null };
  expect(seen(failed, [], eyes())).toEqual(failed);
});

test('after a reboot nothing runs or is waited for, as the next daemon will find', () => {
  const waiting: State = { name: 'waiting', last: exited, why: null, hopeless: false };
  expect(seen(waiting, [], eyes(), 'a')).toEqual({ name: 'stopped', last: exited });
  expect(seen(waiting, [], eyes(), 'b')).toEqual(waiting);
  expect(seen(running, [run()], eyes(), 'a')).toMatchObject({ name: 'stopped', last: { kind: 'unobserved' } });
  const failed: State = { name: 'failed', last: exited, failure: { code: 'exit', message: 'left' }, run: 'r' };
  expect(seen(failed, [run()], eyes(), 'a')).toEqual({ name: 'stopped', last: exited });
});
