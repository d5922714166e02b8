import type { DependencySpec, HealthName, Intent } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { NEW_MACHINE } from '../lifecycle/table.ts';
import type { Machine, State } from '../lifecycle/types.ts';
import { Outlook } from './conditions.ts';
import { reconcile } from './reconcile.ts';
import type { World, WorldService } from './world.ts';

const process = { boot: 'b', pid: 7, start: 1 };
const running: State = { name: 'running', run: 'r', process, since: 0 };
const starting: State = { name: 'starting', run: 'r', process, since: 0 };
const failed: State = {
  name: 'failed',
  last: null,
  failure: { code: 'exit', message: 'exited with code 1' },
  run: null,
};
const completed: State = { name: 'completed', last: null };

interface Draft {
  readonly state?: State;
  readonly want?: Intent;
  readonly generation?: number;
  readonly at?: number;
  readonly needs?: Record<string, DependencySpec['condition']>;
  readonly soft?: boolean;
  readonly onDown?: DependencySpec['on_down'];
  readonly outage?: Machine['cascade']['outage'];
  readonly health?: HealthName;
  readonly hasHealth?: boolean;
  readonly oneshot?: boolean;
}
/** A project in which everything is wanted up at generation 1 and nothing has run, unless said otherwise. */
function world(drafts: Record<string, Draft>): World {
  const service = (name: string, d: Draft): WorldService => {
    const machine: Machine = {
      ...NEW_MACHINE,
      state: d.state ?? NEW_MACHINE.state,
      cascade: { outage: d.outage ?? null, recent: [] },
      generation: d.at ?? (d.state ? 1 : 0),
    };
    return {
      name,
      oneshot: d.oneshot ?? false,
      hasHealth: d.hasHealth ?? false,
      dependsOn: Object.entries(d.needs ?? {}).map(([s, condition]) => ({
        service: s,
        condition,
        required: !d.soft,
        on_down: d.onDown ?? 'ignore',
      })),
      want: d.want ?? 'up',
      generation: d.generation ?? 1,
      wanted: 1,
      instances: [{ index: 0, machine, health: d.health ?? 'unknown', lacking: null }],
    };
  };
  return new Map(Object.entries(drafts).map(([name, d]) => [name, service(name, d)]));
}
const said = (drafts: Record<string, Draft>) =>
  reconcile(new Outlook(world(drafts))).map((c) =>
    c.do === 'hold'
      ? `hold ${c.service}: ${c.why}`
      : c.do === 'stop'
        ? `stop ${c.service} (${c.cause})`
        : c.do === 'lose'
          ? `${c.service} loses (${c.action}): ${c.why}`
          : `${c.do} ${c.service}`,
  );

describe('starting', () => {
  test('what needs nothing starts, what needs it waits and says for what', () => {
    expect(said({ db: {}, api: { needs: { db: 'ready' } } })).toEqual([
      'start db',
      'hold api: db has not been started yet',
    ]);
  });
  test('ready lets dependants start, started too', () => {
    expect(said({ db: { state: running }, api: { needs: { db: 'ready' } } })).toEqual(['start api']);
    expect(said({ db: { state: starting }, api: { needs: { db: 'started' } } })).toEqual(['start api']);
    expect(said({ db: { state: starting }, api: { needs: { db: 'ready' } } })).toEqual([
      'hold api: db is not ready yet',
    ]);
  });
  test('healthy waits for the first answer, and means ready where there is no health check', () => {
    expect(said({ db: { state: running, hasHealth: true }, api: { needs: { db: 'healthy' } } })).toEqual([
      'hold api: db has not been checked yet',
    ]);
    expect(
      said({ db: { state: running, hasHealth: true, health: 'healthy' }, api: { needs: { db: 'healthy' } } }),
    ).toEqual(['start api']);
    expect(said({ db: { state: running }, api: { needs: { db: 'healthy' } } })).toEqual(['start api']);
  });
  test('completed waits for the end of a one-shot', () => {
    expect(said({ job: { oneshot: true, state: starting }, api: { needs: { job: 'completed' } } })).toEqual([
      'hold api: job has not completed yet',
    ]);
    expect(said({ job: { oneshot: true, state: completed }, api: { needs: { job: 'completed' } } })).toEqual([
      'start api',
    ]);
  });
  test('a failed dependency is reported through the chain', () => {
    expect(
      said({
        db: { state: failed },
        api: { needs: { db: 'ready' }, state: { name: 'waiting', last: null, why: null, hopeless: false }, at: 0 },
        web: { needs: { api: 'ready' } },
      }),
    ).toEqual([
      'hold api: db has failed: exited with code 1',
      'hold web: api is waiting: db has failed: exited with code 1',
    ]);
  });
  test('a soft dependency that has failed holds no dependant back, one on its way does', () => {
    expect(said({ db: { state: failed }, api: { needs: { db: 'ready' }, soft: true } })).toEqual(['start api']);
    expect(said({ db: { state: starting }, api: { needs: { db: 'ready' }, soft: true } })).toEqual([
      'hold api: db is not ready yet',
    ]);
  });
  test('what has ended, failed or completed for the present wish is left alone', () => {
    expect(
      said({
        a: { state: failed },
        b: { state: completed, oneshot: true },
        c: { state: { name: 'stopped', last: null } },
      }),
    ).toEqual([]);
  });
  test('a newer wish starts them again', () => {
    expect(
      said({
        a: { state: failed, generation: 2 },
        b: { state: { name: 'backoff', last: null, until: 9, why: 'x' }, generation: 2 },
      }),
    ).toEqual(['start a', 'start b']);
  });
});

describe('stopping', () => {
  test('dependants go first', () => {
    const down = { want: 'down', state: running } as const;
    expect(said({ db: down, api: { ...down, needs: { db: 'ready' } } })).toEqual(['stop api (asked)']);
    expect(said({ db: down, api: { want: 'down', needs: { db: 'ready' } } })).toEqual(['stop db (asked)']);
  });
  test('a dependant that stays up is not in the way', () => {
    expect(said({ db: { want: 'down', state: running }, api: { state: running, needs: { db: 'ready' } } })).toEqual([
      'stop db (asked)',
    ]);
  });
  test('a waiting service that is no longer wanted stops at once', () => {
    expect(said({ api: { want: 'down', state: { name: 'waiting', last: null, why: 'db', hopeless: false } } })).toEqual(
      ['stop api (asked)'],
    );
  });
  test('nothing is said twice', () => {
    const stopping: State = {
      name: 'stopping',
      run: 'r',
      process,
      cause: { kind: 'asked' },
      phase: 'main',
      killAt: 9,
      exit: null,
      readySince: null,
    };
    expect(said({ api: { want: 'down', state: stopping } })).toEqual([]);
  });
});

describe('restarting', () => {
  test('a whole project: dependants stop first, and none starts on what is about to be replaced', () => {
    const old = { generation: 2, state: running, at: 1 } as const;
    expect(said({ db: old, api: { ...old, needs: { db: 'ready' } } })).toEqual(['stop api (stale)']);
    expect(
      said({
        db: old,
        api: {
          generation: 2,
          state: { name: 'waiting', last: null, why: null, hopeless: false },
          at: 1,
          needs: { db: 'ready' },
        },
      }),
    ).toEqual(['stop db (stale)', 'hold api: db is being restarted']);
  });
  test('a dependency alone: its dependants are left running', () => {
    expect(
      said({ db: { generation: 2, state: running, at: 1 }, api: { state: running, needs: { db: 'ready' } } }),
    ).toEqual(['stop db (stale)']);
  });
  test('survivors of an unfinished stop keep it from being started', () => {
    const unfinished: State = {
      name: 'failed',
      last: null,
      failure: { code: 'UNFINISHED_STOP', message: 'x' },
      run: 'r',
    };
    expect(said({ api: { state: unfinished, generation: 2, at: 1 } })).toEqual([]);
  });
});

describe('a dependency that goes away', () => {
  const away: State = { name: 'backoff', last: null, until: 9, why: 'killed by SIGKILL' };
  const why = 'db is down: killed by SIGKILL; it will be retried';
  const paused: State = { name: 'paused', run: 'r', process, since: 0, why };
  const api = (onDown: DependencySpec['on_down'], more: Draft = {}): Draft => ({
    state: running,
    needs: { db: 'ready' },
    onDown,
    ...more,
  });

  test('is ignored, or told once to a dependant that is to act on it', () => {
    expect(said({ db: { state: away }, api: api('ignore') })).toEqual([]);
    expect(said({ db: { state: away }, api: api('stop') })).toEqual([`api loses (stop): ${why}`]);
    expect(said({ db: { state: away }, api: api('pause') })).toEqual([`api loses (pause): ${why}`]);
    expect(said({ db: { state: away }, api: api('pause', { state: paused }) })).toEqual([]);
    expect(said({ db: { state: away }, api: api('restart') })).toEqual([`api loses (restart): ${why}`]);
    expect(said({ db: { state: away }, api: api('restart', { outage: { why, back: null } }) })).toEqual([]);
  });
  test('and comes back lets a paused dependant continue, and begins the wait of one that is to restart', () => {
    expect(said({ db: { state: running }, api: api('pause', { state: paused }) })).toEqual(['regain api']);
    expect(said({ db: { state: running }, api: api('restart', { outage: { why, back: null } }) })).toEqual([
      'regain api',
    ]);
    expect(said({ db: { state: running }, api: api('restart', { outage: { why, back: 1 } }) })).toEqual([]);
  });
  test('again before that wait is over is an outage that continues', () => {
    expect(said({ db: { state: away }, api: api('restart', { outage: { why, back: 1 } }) })).toEqual([
      `api loses (restart): ${why}`,
    ]);
  });
  test('a soft one for good stops nobody: the dependant would be started at once without it', () => {
    expect(said({ db: { state: failed }, api: api('stop', { soft: true }) })).toEqual([]);
    expect(said({ db: { state: away }, api: api('stop', { soft: true }) })).toEqual([`api loses (stop): ${why}`]);
  });
  test('a paused service is not there for those above it', () => {
    expect(
      said({ db: { state: away }, api: api('pause', { state: paused }), web: { needs: { api: 'ready' } } }),
    ).toEqual([`hold web: api is paused: ${why}`]);
  });
});
