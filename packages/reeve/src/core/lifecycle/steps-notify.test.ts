import { expect, test } from 'vitest';
import { NEW_MACHINE, resume, transition } from './table.ts';
import { type Machine, NO_AFTERMATH, type Policy, type State } from './types.ts';

const process = { boot: 'b', pid: 10, start: 1 };
const policy: Policy = {
  name: 'web',
  oneshot: false,
  restart: { policy: 'on-failure', backoff: { min: 500, max: 30_000 }, limit: null },
  stop: { signal: 'SIGTERM', timeout: 10_000, timeout_declared: false, mode: 'main_first', command: null },
  readyTimeout: 30_000,
  restartWhenUnhealthy: true,
};
const at = (now: number) => ({ now, at: 't', policy, lacking: null, aftermath: NO_AFTERMATH, chance: 0.5 });
const inState = (state: State): Machine => ({ ...NEW_MACHINE, state });
const starting = inState({ name: 'starting', run: 'r', process, since: 0 });
const running = inState({ name: 'running', run: 'r', process, since: 0 });

test('a start is given the time that it asks for from now on, and never less than it has', () => {
  const more = transition(starting, { name: 'extend', by: 60_000 }, at(20_000));
  expect(more.effects).toEqual([{ do: 'arm', delay: 60_000 }]);
  expect(resume(more.machine, at(50_000))).toContainEqual({ do: 'arm', delay: 30_000 });
  expect(transition(starting, { name: 'extend', by: 1_000 }, at(20_000)).effects).toEqual([]);
  const late = transition(more.machine, { name: 'timer' }, at(80_000));
  expect(late.machine.state).toMatchObject({ name: 'stopping', cause: { why: 'not ready within 80s' } });
});

test('a stop is given more time while it is asked gently, and none once it is being killed', () => {
  const stopping = transition(running, { name: 'stop', cause: { kind: 'asked' } }, at(0)).machine;
  const more = transition(stopping, { name: 'extend', by: 30_000 }, at(4_000));
  expect(more.machine.state).toMatchObject({ phase: 'main', killAt: 34_000 });
  expect(more.effects).toEqual([{ do: 'arm', delay: 15_000 }]);
  const killed = transition(stopping, { name: 'hurry', grace: 0 }, at(5_000)).machine;
  expect(transition(killed, { name: 'extend', by: 30_000 }, at(5_000)).machine).toEqual(killed);
});

test('the main process moves, and the run continues', () => {
  const other = { boot: 'b', pid: 20, start: 2 };
  const moved = transition(running, { name: 'main', process: other }, at(1));
  expect(moved.machine.state).toEqual({ ...running.state, process: other });
  expect(moved.machine.epoch).toBe(running.epoch);
  const stopped = inState({ name: 'stopped', last: null });
  expect(transition(stopped, { name: 'main', process: other }, at(1)).machine).toEqual(stopped);
});
