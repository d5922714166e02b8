import { describe, expect, test } from 'vitest';
import { UNTOUCHED } from '../restart/dependency-outage.ts';
import { NEW_MACHINE, transition } from './table.ts';
import { type Effect, type Event, type Machine, NO_AFTERMATH, type Policy, type State } from './types.ts';

const process = { boot: 'b', pid: 7, start: 1 };
const policy: Policy = {
  name: 'api',
  oneshot: false,
  restart: { policy: 'on-failure', backoff: { min: 500, max: 30_000 }, limit: { count: 2, period: 60_000 } },
  stop: { signal: 'SIGTERM', timeout: 10_000, timeout_declared: false, mode: 'main_first', command: null },
  readyTimeout: 30_000,
  restartWhenUnhealthy: true,
};
const running: State = { name: 'running', run: 'r', process, since: 0 };

/** A machine and a clock, told one event after the other. */
function told(state: State, missing: string | null = null) {
  let machine: Machine = { ...NEW_MACHINE, state, generation: 1 };
  let now = 0;
  return {
    get machine() {
      return machine;
    },
    tell(event: Event, at: number): readonly Effect[] {
      now = at;
      const aftermath = { ...NO_AFTERMATH, missing };
      const next = transition(machine, event, { now, at: 'now', policy, lacking: null, chance: 0.5, aftermath });
      machine = next.machine;
      return next.effects;
    },
    /** From a stop that was begun to what comes after it. */
    end(at: number): readonly Effect[] {
      this.tell({ name: 'exited', exit: { kind: 'signal', code: null, signal: 'SIGTERM', at: 'now' } }, at);
      return this.tell({ name: 'gone' }, at);
    },
  };
}
const lost = (action: 'restart' | 'stop' | 'pause'): Event => ({ name: 'lost', why: 'db is down', action });
const delays = (effects: readonly Effect[]) => effects.flatMap((e) => (e.do === 'arm' ? [e.delay] : []));
const names = (effects: readonly Effect[]) => effects.map((e) => (e.do === 'tell' ? e.event : e.do));

describe('on_down: restart', () => {
  test('it runs on, and is replaced once its dependency is back and has stayed', () => {
    const api = told(running);
    expect(names(api.tell(lost('restart'), 0))).toEqual(['service.dependency_lost']);
    expect(api.machine.state.name).toBe('running');
    expect(delays(api.tell({ name: 'regained' }, 500))).toEqual([1000]);
    api.tell({ name: 'timer' }, 1500);
    expect(api.machine.state).toMatchObject({ name: 'stopping', cause: { kind: 'dependency' } });
    api.end(1600);
    expect(api.machine).toMatchObject({
      state: { name: 'waiting', last: { cause: 'dependency' } },
      ledger: { restarts: 1, recent: [], streak: 0 },
    });
  });
  test('a dependency that goes again before it has stayed is one outage, told once', () => {
    const api = told(running);
    api.tell(lost('restart'), 0);
    api.tell({ name: 'regained' }, 500);
    expect(names(api.tell(lost('restart'), 900))).toEqual([]);
    api.tell({ name: 'timer' }, 1500);
    expect(api.machine.state.name).toBe('running');
    expect(delays(api.tell({ name: 'regained' }, 2000))).toEqual([1000]);
  });
  test('the more often, the longer it must stay: a flapping dependency restarts a dependant ever more rarely', () => {
    const api = told(running);
    let now = 0;
    let restarts = 0;
    const settled: number[] = [];
    for (; now < 120_000; now += 100) {
      // db: a second there, a second away.
      const isThere = now % 2000 < 1000;
      if (api.machine.state.name !== 'running') {
        restarts += 1;
        api.end(now);
        api.tell({ name: 'start', run: `r${now}`, generation: 1 }, now);
        api.tell({ name: 'spawned', process }, now);
        api.tell({ name: 'ready', how: 'x' }, now);
      }
      if (!isThere && now % 2000 === 1000) api.tell(lost('restart'), now);
      if (isThere && now % 2000 === 0) {
        settled.push(...delays(api.tell({ name: 'regained' }, now)));
      }
      const { outage } = api.machine.cascade;
      if (outage?.back != null && now >= outage.back + (settled.at(-1) ?? 0)) api.tell({ name: 'timer' }, now);
    }
    expect(restarts).toBeLessThanOrEqual(1);
    expect(api.machine.ledger.recent).toEqual([]);
  });
});

describe('on_down: stop', () => {
  test('it is ended, waits without delay the first time, and is not charged for it', () => {
    const api = told(running);
    api.tell(lost('stop'), 0);
    expect(api.machine.state).toMatchObject({ name: 'stopping', cause: { kind: 'dependency' } });
    api.end(10);
    expect(api.machine).toMatchObject({ state: { name: 'waiting' }, ledger: { restarts: 1, recent: [] } });
  });
  test('again and again it stays down longer each time', () => {
    const api = told(running);
    const waits: number[] = [];
    for (let now = 0; now < 50_000; now += 10_000) {
      api.tell(lost('stop'), now);
      api.end(now);
      waits.push(api.machine.state.name === 'backoff' ? api.machine.state.until - now : 0);
      api.tell({ name: 'timer' }, now + 9_000);
      api.tell({ name: 'start', run: `r${now}`, generation: 1 }, now + 9_000);
      api.tell({ name: 'spawned', process }, now + 9_000);
      api.tell({ name: 'ready', how: 'x' }, now + 9_000);
    }
    expect(waits).toEqual([0, 2000, 4000, 8000, 16_000]);
  });
  test('stopping a service that waits ends the wait', () => {
    const api = told({ name: 'waiting', last: null, why: 'db is down', hopeless: false });
    api.tell({ name: 'stop', cause: { kind: 'asked' } }, 0);
    expect(api.machine.state.name).toBe('stopped');
  });
});

describe('on_down: pause', () => {
  test('it is suspended, and continues when its dependency is back', () => {
    const api = told(running);
    expect(names(api.tell(lost('pause'), 0))).toEqual(['service.paused', 'suspend']);
    expect(api.machine.state).toMatchObject({ name: 'paused', why: 'db is down' });
    expect(names(api.tell({ name: 'regained' }, 100))).toEqual(['resume', 'service.resumed', 'probe']);
    expect(api.machine.state).toEqual(running);
    expect(api.machine.cascade).toEqual(UNTOUCHED);
  });
  test('a paused service can be stopped, and its end is seen', () => {
    const api = told(running);
    api.tell(lost('pause'), 0);
    api.tell({ name: 'stop', cause: { kind: 'asked' } }, 1);
    expect(api.machine.state.name).toBe('stopping');
    const other = told(running);
    other.tell(lost('pause'), 0);
    other.tell({ name: 'exited', exit: { kind: 'code', code: 1, signal: null, at: 'now' } }, 1);
    expect(other.machine.state.name).toBe('stopping');
  });
  test('while it still starts it is left alone', () => {
    const api = told({ name: 'starting', run: 'r', process, since: 0 });
    api.tell(lost('pause'), 0);
    expect(api.machine.state.name).toBe('starting');
  });
});

test('a service that crashes while what it needs is away is not charged for it', () => {
  const api = told(running, 'db is down');
  for (let now = 0; now < 50_000; now += 10_000) {
    api.tell({ name: 'exited', exit: { kind: 'code', code: 1, signal: null, at: 'now' } }, now);
    api.tell({ name: 'gone' }, now);
    expect(api.machine.state.name).toBe('backoff');
    api.tell({ name: 'timer' }, now + 9_000);
    api.tell({ name: 'start', run: `r${now}`, generation: 1 }, now + 9_000);
    api.tell({ name: 'spawned', process }, now + 9_000);
    api.tell({ name: 'ready', how: 'x' }, now + 9_000);
  }
  expect(api.machine.ledger).toMatchObject({ restarts: 5, recent: [] });
});
