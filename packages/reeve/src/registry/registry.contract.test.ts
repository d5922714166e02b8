import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseAutoPort } from '../core/leases.ts';
import type { Registry } from '../core/registry.ts';
import { openRegistry } from './open.ts';
import { eventRow, leaseRow, projectRow, runRow, serviceRow, serviceSpec } from './test-rows.ts';
import { drivers, type TestFolder, testFolder } from './test-world.ts';

test('there is a driver to test on', () => {
  expect(drivers.length).toBeGreaterThan(0);
});

describe.each(drivers)('with %s', (_name, driver) => {
  let folder: TestFolder;
  let registry: Registry;
  let now = 1_000;
  const open = () => openRegistry({ file: folder.file, driver, clock: { now: () => now, monotonic: () => now / 2 } });
  /** Looks at, and spoils, what is stored, past every guard. */
  const raw = <T>(work: (sql: (text: string) => readonly Record<string, unknown>[]) => T): T => {
    const database = driver.open(folder.file, { readonly: false, wait: 1000 });
    try {
      return work((text) => database.prepare(text).all());
    } finally {
      database.close();
    }
  };
  const reopen = () => {
    registry.close();
    registry = open();
  };
  beforeEach(() => {
    now = 1_000;
    folder = testFolder();
    registry = open();
  });
  afterEach(() => {
    registry.close();
    folder[Symbol.dispose]();
  });

  describe('projects', () => {
    test('come back after a restart as they were saved, the older first', () => {
      const bare = projectRow({ folder: '/b', name: 'b', config: null, env: {}, env_files: [] });
      registry.projects.save(bare);
      now = 2_000;
      registry.projects.save(projectRow());
      registry.projects.save(projectRow({ env: { A: '2' } }));
      reopen();
      expect(registry.projects.all()).toEqual([bare, projectRow({ env: { A: '2' } })]);
    });

    test('keep when they were made, and tell when they were changed', () => {
      registry.projects.save(projectRow());
      now = 5_000;
      registry.projects.save(projectRow());
      const times = raw((sql) => sql('SELECT created_at, updated_at FROM projects'));
      expect(times.map((t) => ({ ...t }))).toEqual([{ created_at: 1_000, updated_at: 5_000 }]);
    });

    test('never share a name, whatever its case', () => {
      registry.projects.save(projectRow());
      expect(() => registry.projects.save(projectRow({ folder: '/other', name: 'SHOP' }))).toThrow(/UNIQUE/);
      expect(registry.projects.all()).toHaveLength(1);
    });

    const fill = () => {
      registry.projects.save(projectRow());
      registry.projects.save(projectRow({ folder: '/q', name: 'q' }));
      for (const at of ['/p', '/q']) {
        registry.services.save(serviceRow('web', { folder: at }));
        registry.intents.save({ folder: at, service: 'web', want: 'up', generation: 1, at: 1, by: 'me' });
        registry.instances.save(instance({ folder: at }));
        registry.leases.take(leaseRow({ folder: at, port: at === '/p' ? 1 : 2 }));
        registry.announcements.save({ id: at, folder: at, service: 'web', owner: null, announcement: {}, at: 1 });
        registry.runs.save(runRow(`run-${at}`, { folder: at }));
        registry.events.append(eventRow({ folder: at }));
      }
    };
    const present = (at: string) => [
      registry.services.of(at).length,
      registry.intents.of(at).length,
      registry.instances.of(at).length,
      registry.leases.all().filter((l) => l.folder === at).length,
      registry.announcements.get(at) === null ? 0 : 1,
    ];
    const history = (at: string) => [
      registry.runs.of(at, 'web', 0, 9).length,
      registry.events.find({ folder: at }).length,
    ];

    test('are removed with what is theirs; their history stays', () => {
      fill();
      registry.projects.remove('/p', false);
      expect(registry.projects.all().map((p) => p.folder)).toEqual(['/q']);
      expect([present('/p'), history('/p')]).toEqual([
        [0, 0, 0, 0, 0],
        [1, 1],
      ]);
      expect([present('/q'), history('/q')]).toEqual([
        [1, 1, 1, 1, 1],
        [1, 1],
      ]);
    });

    test('are purged with their history; event numbers are not given twice', () => {
      fill();
      const last = registry.events.append(eventRow({ folder: '/p' }));
      registry.projects.remove('/p', true);
      expect(history('/p')).toEqual([0, 0]);
      expect(history('/q')).toEqual([1, 1]);
      expect(registry.events.append(eventRow({ folder: '/q' })).seq).toBe(last.seq + 1);
    });
  });

  const instance = (changes = {}) => ({
    folder: '/p',
    service: 'web',
    index: 0,
    state: 'running' as const,
    reason: null,
    restarts: 2,
    machine: { state: { name: 'running', run: 'r1', process: { boot: 'b', pid: 42, start: 7 }, since: 5 }, epoch: 1 },
    at: 9,
    ...changes,
  });

  describe('services', () => {
    beforeEach(() => registry.projects.save(projectRow()));

    test('come back as they were saved, in the order in which they were first seen', () => {
      const web = serviceRow('web');
      const api = serviceRow('api', { managed_by: 'adopted', data: null, in_config: false, environment: {} });
      registry.services.save(web);
      registry.services.save(api);
      registry.services.save({ ...web, data: [1, 'x', { deep: true }] });
      reopen();
      expect(registry.services.of('/p')).toEqual([{ ...web, data: [1, 'x', { deep: true }] }, api]);
      expect(registry.services.of('/q')).toEqual([]);
    });

    test('keep their id when a config takes them over, under the new writing of their name', () => {
      const id = () => raw((sql) => sql('SELECT id, name FROM services'))[0];
      registry.services.save(serviceRow('Web', { managed_by: 'seed' }));
      registry.intents.save({ folder: '/p', service: 'Web', want: 'up', generation: 3, at: 1, by: 'me' });
      registry.instances.save(instance({ service: 'Web' }));
      const before = id();
      registry.services.save(serviceRow('web'));
      expect(id()).toEqual({ ...before, name: 'web' });
      expect(registry.intents.of('/p').map((i) => [i.service, i.generation])).toEqual([['web', 3]]);
      expect(registry.instances.of('/p').map((i) => i.service)).toEqual(['web']);
    });

    test('are forgotten with their intent, instances and leases', () => {
      for (const name of ['web', 'api']) {
        registry.services.save(serviceRow(name));
        registry.intents.save({ folder: '/p', service: name, want: 'up', generation: 1, at: 1, by: 'me' });
        registry.instances.save(instance({ service: name }));
        registry.leases.take(leaseRow({ service: name, port: name === 'web' ? 1 : 2 }));
      }
      registry.services.remove('/p', 'web');
      expect(registry.services.of('/p').map((s) => s.name)).toEqual(['api']);
      expect(registry.intents.of('/p').map((i) => i.service)).toEqual(['api']);
      expect(registry.instances.of('/p').map((i) => i.service)).toEqual(['api']);
      expect(registry.leases.all().map((l) => l.service)).toEqual(['api']);
    });

    test('need their project by the end of the transaction, not before', () => {
      registry.transaction('durable', () => {
        registry.services.save(serviceRow('web', { folder: '/new' }));
        registry.projects.save(projectRow({ folder: '/new', name: 'new' }));
      });
      expect(() => registry.services.save(serviceRow('web', { folder: '/none' }))).toThrow(/FOREIGN KEY/);
      expect(registry.services.of('/none')).toEqual([]);
      registry.facts.set('still', 'works');
      expect(registry.facts.get('still')).toBe('works');
    });
  });

  test('intents and instances come back as they were saved; a newer one replaces the older', () => {
    const intent = { folder: '/p', service: 'web', want: 'up', generation: 1, at: 5, by: 'cli:me' } as const;
    registry.intents.save({ ...intent, want: 'down', generation: 0 });
    registry.intents.save(intent);
    const failed = instance({ index: 1, state: 'failed', reason: 'exit 3', machine: { state: { name: 'failed' } } });
    registry.instances.save(failed);
    registry.instances.save(instance({ restarts: 0 }));
    registry.instances.save(instance());
    reopen();
    expect(registry.intents.of('/p')).toEqual([intent]);
    expect(registry.instances.of('/p')).toEqual([instance(), failed]);
    registry.instances.save({ ...failed, index: 2, at: 0 });
    expect(registry.instances.removeRested('/p', 'web', 1, failed.at), 'D10').toBe(1);
    expect(registry.instances.of('/p')).toEqual([instance(), failed]);
  });

  describe('runs', () => {
    const ended = { ended_at: 2_000, exit: { kind: 'signal', code: null, signal: 'SIGKILL', at: 'then' } } as const;

    test('come back as they were saved, the newest first even when the clock went back', () => {
      registry.runs.save(runRow('r1'));
      registry.runs.save(runRow('r2', { started_at: 10 }));
      registry.runs.save(runRow('r1', { ready_at: 1_500, ...ended }));
      reopen();
      expect(registry.runs.of('/p', 'web', 0, 9)).toEqual([
        runRow('r2', { started_at: 10 }),
        runRow('r1', { ready_at: 1_500, ...ended }),
      ]);
      expect(registry.runs.of('/p', 'web', 0, 1).map((r) => r.run)).toEqual(['r2']);
      expect(registry.runs.of('/p', 'web', 1, 9)).toEqual([]);
      expect(registry.runs.get('r2')).toEqual(runRow('r2', { started_at: 10 }));
      expect(registry.runs.get('none')).toBeNull();
      expect(registry.runs.open().map((r) => r.run)).toEqual(['r2']);
    });

    test('that have ended before are forgotten, open ones never', () => {
      for (const [run, at] of [
        ['a', 10],
        ['b', 20],
        ['c', null],
      ] as const) {
        registry.runs.save(runRow(run, { ended_at: at }));
      }
      expect(registry.runs.removeEndedBefore(20, 9)).toBe(1);
      expect(registry.runs.of('/p', 'web', 0, 9).map((r) => r.run)).toEqual(['c', 'b']);
    });

    test.each(['0', '1', '-1', '""', 'null', '1.5', '"12abc"', '4294967297', '9007199254740993', '1e400'])(
      'with pid %s in their marks are refused, naming table and key',
      (pid) => {
        registry.runs.save(runRow('bad'));
        registry.runs.save(runRow('good'));
        raw((sql) => sql(`UPDATE runs SET marks = replace(marks, '"pid":4711', '"pid":${pid}') WHERE run = 'bad'`));
        for (const read of [
          () => registry.runs.get('bad'),
          () => registry.runs.open(),
          () => registry.runs.of('/p', 'web', 0, 9),
        ]) {
          expect(read).toThrow(expect.objectContaining({ code: 'REGISTRY_DAMAGED' }));
          expect(read).toThrow(/table runs, run "bad": marks\.main\.pid is/);
        }
        expect(registry.runs.get('good')).toEqual(runRow('good'));
      },
    );
  });

  test('an instance whose machine holds a bad pid, or broken JSON, is refused', () => {
    registry.instances.save(instance());
    raw((sql) => sql(`UPDATE instances SET machine = replace(machine, '"pid":42', '"pid":-1')`));
    expect(() => registry.instances.of('/p')).toThrow(/table instances, folder "\/p", service "web", index 0: machine/);
    raw((sql) => sql(`UPDATE instances SET machine = '{'`));
    expect(() => registry.instances.of('/p')).toThrow(/machine is not JSON/);
  });

  describe('events', () => {
    test('are numbered in order, and found by project, service, number and time', () => {
      const bare = eventRow({ service: null, instance: null, run: null, data: {} });
      expect(registry.events.append(eventRow())).toEqual({ ...eventRow(), seq: 1 });
      registry.events.append(bare);
      registry.events.append(eventRow({ at: 500, service: 'api' }));
      registry.events.append(eventRow({ folder: '/q', at: 3_000 }));
      reopen();
      const seqs = (query: Parameters<Registry['events']['find']>[0]) => registry.events.find(query).map((e) => e.seq);
      expect(registry.events.find({ folder: '/p', after_seq: 1 })[0]).toEqual({ ...bare, seq: 2 });
      expect(seqs({})).toEqual([1, 2, 3, 4]);
      expect(seqs({ folder: '/p' })).toEqual([1, 2, 3]);
      expect(seqs({ folder: '/p', service: 'WEB' })).toEqual([1]);
      expect(seqs({ service: 'web' })).toEqual([1, 4]);
      expect(seqs({ since: 1_000 })).toEqual([1, 2, 4]);
      expect(seqs({ newest: 2 })).toEqual([3, 4]);
      expect(seqs({ folder: '/p', newest: 2, since: 600 })).toEqual([1, 2]);
      expect(seqs({ after_seq: 4 })).toEqual([]);
    });

    test('D17: each instance that something has happened to is named once', () => {
      for (const instance of [0, 1, 0, null]) registry.events.append(eventRow({ service: 'web', instance }));
      registry.events.append(eventRow({ service: null, instance: null }));
      registry.events.append(eventRow({ service: 'api', instance: 2 }));
      registry.events.append(eventRow({ folder: '/q', service: 'other' }));
      expect(registry.events.instancesOf('/p')).toEqual([
        { service: 'api', instance: 2 },
        { service: 'web', instance: 0 },
        { service: 'web', instance: 1 },
      ]);
    });

    test('that are old are forgotten; their numbers are not given again', () => {
      for (const at of [10, 20, 30]) registry.events.append(eventRow({ at }));
      expect(registry.events.removeBefore(30, 9)).toBe(2);
      expect(registry.events.removeBefore(1_000, 9)).toBe(1);
      reopen();
      expect(registry.events.append(eventRow()).seq).toBe(4);
    });
  });

  describe('leases', () => {
    test('have one holder per port and protocol; the holder may take it again', () => {
      expect(registry.leases.take(leaseRow())).toEqual({ taken: true });
      const other = leaseRow({ service: 'api', run: 'r2' });
      expect(registry.leases.take(other)).toEqual({ taken: false, holder: leaseRow() });
      expect(registry.leases.take(leaseRow({ index: 1 }))).toEqual({ taken: false, holder: leaseRow() });
      expect(registry.leases.take(leaseRow({ name: null }))).toEqual({ taken: false, holder: leaseRow() });
      expect(registry.leases.take({ ...other, protocol: 'udp' })).toEqual({ taken: true });
      expect(registry.leases.take(leaseRow({ run: 'r9', at: 5_000 }))).toEqual({ taken: true });
      reopen();
      expect(registry.leases.all()).toEqual([leaseRow({ run: 'r9', at: 5_000 }), { ...other, protocol: 'udp' }]);
    });

    test('that are fixed end with their run; automatic ones are kept for the next', () => {
      const auto = leaseRow({ port: 20_001, name: 'http', kind: 'auto' });
      registry.leases.take(auto);
      registry.leases.take(leaseRow({ name: null }));
      registry.leases.take(leaseRow({ port: 9, name: null, run: 'r2' }));
      expect(registry.leases.ofRun('r2').map(({ port }) => port)).toEqual([9]);
      registry.leases.release({ run: 'r1' });
      expect(registry.leases.all()).toEqual([leaseRow({ port: 9, name: null, run: 'r2' }), { ...auto, run: null }]);
    });

    test('are released by project, service or instance', () => {
      for (const [port, service, index] of [
        [1, 'web', 0],
        [2, 'web', 1],
        [3, 'api', 0],
      ] as const) {
        registry.leases.take(leaseRow({ port, service, index }));
      }
      const left = () => registry.leases.all().map((l) => l.port);
      registry.leases.release({ folder: '/p', service: 'web', index: 1 });
      expect(left()).toEqual([1, 3]);
      registry.leases.release({ folder: '/p', service: 'web' });
      expect(left()).toEqual([3]);
      registry.leases.release({ folder: '/q' });
      expect(left()).toEqual([3]);
      registry.leases.release({ folder: '/p' });
      expect(left()).toEqual([]);
    });

    test('of an automatic name move when its port cannot be used: a name has one port', () => {
      registry.leases.take(leaseRow({ port: 20_001, kind: 'auto' }));
      registry.leases.take(leaseRow({ port: 20_002, kind: 'auto' }));
      expect(registry.leases.all().map((l) => l.port)).toEqual([20_002]);
    });

    test('make fifty that pick a port at the same moment pick fifty ports', async () => {
      const pick = async (index: number) => {
        await Promise.resolve();
        return registry.transaction('usual', () => {
          const taken = new Set(registry.leases.all().map((l) => l.port));
          // Of so few places that they must collide.
          const wish = { folder: '/p', service: 'web', index, name: null, taken, ephemeral: [20_060, 65_535] as const };
          const port = chooseAutoPort(wish);
          const answer = registry.leases.take(leaseRow({ port, index, name: null, kind: 'auto' }));
          return answer.taken ? port : null;
        });
      };
      const ports = await Promise.all(Array.from({ length: 50 }, (_, i) => pick(i)));
      expect(ports).not.toContain(null);
      expect(new Set(ports).size).toBe(50);
    });
  });

  describe('the audit trail', () => {
    const entry = (action: string) => ({
      at: 1,
      actor: 'cli:me',
      action,
      target: 'shop/web',
      reason: action === 'stop' ? 'because' : null,
      outcome: 'ok',
    });

    test('gives back the newest first', () => {
      registry.audit.append(entry('up'));
      registry.audit.append(entry('stop'));
      reopen();
      registry.audit.append(entry('down'));
      expect(registry.audit.newest(9)).toEqual([entry('down'), entry('stop'), entry('up')]);
      expect(registry.audit.newest(1)).toEqual([entry('down')]);
    });

    test('can be neither changed, nor deleted from, nor replaced in', () => {
      registry.audit.append(entry('up'));
      for (const attempt of [
        "UPDATE audit SET actor = 'nobody'",
        'DELETE FROM audit',
        'INSERT OR REPLACE INTO audit SELECT * FROM audit',
      ]) {
        expect(() => raw((sql) => sql(attempt)), attempt).toThrow('append-only');
      }
      registry.projects.save(projectRow());
      registry.projects.remove('/p', true);
      expect(registry.audit.newest(9)).toEqual([entry('up')]);
    });

    test('D10: loses its oldest rows by age and number; its newest row, its numbers and its chain stay', () => {
      for (const at of [1, 2, 9, 3, 9]) registry.audit.append({ ...entry('up'), at });
      const numbers = () => raw((sql) => sql('SELECT seq FROM audit ORDER BY seq')).map((r) => r['seq']);
      const hashes = raw((sql) => sql('SELECT seq, hash FROM audit ORDER BY seq')).map((r) => r['hash']);
      expect(registry.audit.prune({ before: 5, kept: 99, most: 1 })).toBe(1);
      expect(registry.audit.prune({ before: 5, kept: 99, most: 9 })).toBe(1);
      expect(numbers()).toEqual([3, 4, 5]);
      expect(registry.audit.prune({ before: 0, kept: 2, most: 9 })).toBe(1);
      expect(registry.audit.prune({ before: 99, kept: 1, most: 9 })).toBe(1);
      expect(registry.audit.prune({ before: 99, kept: 1, most: 9 })).toBe(0);
      expect(numbers()).toEqual([5]);
      expect(raw((sql) => sql('SELECT seq, hash FROM audit_cuts'))).toMatchObject([{ seq: 4, hash: hashes[3] }]);
      expect(raw((sql) => sql('SELECT prev FROM audit'))).toMatchObject([{ prev: hashes[3] }]);
      registry.audit.append(entry('stop'));
      expect(numbers()).toEqual([5, 6]);
    });

    test.each([
      ['a row that is not there', "INSERT INTO audit_cuts VALUES ('local', 9, 'x', 1)"],
      ['another hash', "INSERT INTO audit_cuts VALUES ('local', 1, 'x', 1)"],
      ['the newest row', 'INSERT INTO audit_cuts SELECT node, seq, hash, 1 FROM audit WHERE seq = 3'],
      ['a row behind the last cut', 'DELETE FROM audit WHERE seq = 2'],
      ['the cut itself', 'DELETE FROM audit_cuts'],
      ['a cut moved back', 'UPDATE audit_cuts SET seq = 0'],
    ])('D10: refuses a cut at, or the removal of: %s', (_, attempt) => {
      for (const action of ['up', 'stop', 'down']) registry.audit.append(entry(action));
      expect(registry.audit.prune({ before: 0, kept: 2, most: 9 })).toBe(1);
      expect(() => raw((sql) => sql(attempt))).toThrow('the audit trail is');
      expect(registry.audit.newest(9)).toHaveLength(2);
    });

    test('chains each row to the one before, with the boot that it was written in', () => {
      registry.audit.append(entry('up'));
      registry.facts.set('boot', 'b-7');
      registry.audit.append(entry('stop'));
      const rows = raw((sql) => sql('SELECT * FROM audit ORDER BY seq'));
      expect(rows.map((r) => [r['node'], r['seq'], r['boot'], r['monotonic']])).toEqual([
        ['local', 1, '', 500],
        ['local', 2, 'b-7', 500],
      ]);
      let prev = '';
      for (const r of rows) {
        const columns = ['node', 'seq', 'boot', 'monotonic', 'at', 'actor', 'action', 'target', 'reason', 'outcome'];
        const covered = JSON.stringify([prev, ...columns.map((c) => r[c])]);
        expect(r['prev']).toBe(prev);
        expect(r['hash']).toBe(createHash('sha256').update(covered).digest('hex'));
        prev = String(r['hash']);
      }
    });
  });

  test('announcements and facts come back as they were saved', () => {
    const said = { id: 'a', folder: '/p', service: 'web', owner: { pid: 9 }, announcement: { ports: [1] }, at: 5 };
    registry.announcements.save({ ...said, at: 1 });
    registry.announcements.save(said);
    registry.announcements.save({ ...said, id: 'b', owner: null, announcement: 'x', at: 3 });
    registry.facts.set('keeper_seq', '1');
    registry.facts.set('keeper_seq', '2');
    reopen();
    expect(registry.announcements.all().map((a) => a.id)).toEqual(['b', 'a']);
    expect(registry.announcements.all()[1]).toEqual(said);
    registry.announcements.remove('b');
    expect(registry.announcements.all()).toEqual([said]);
    expect([registry.facts.get('keeper_seq'), registry.facts.get('none')]).toEqual(['2', null]);
  });

  describe('a transaction', () => {
    test('is whole or not at all', () => {
      const half = () =>
        registry.transaction('usual', () => {
          registry.facts.set('a', '1');
          throw new Error('half way');
        });
      expect(half).toThrow('half way');
      expect(registry.facts.get('a')).toBeNull();
      expect(registry.transaction('durable', () => 7)).toBe(7);
    });

    test('is joined by those inside it', () => {
      const outer = () =>
        registry.transaction('usual', () => {
          registry.transaction('durable', () => registry.facts.set('a', '1'));
          registry.audit.append({ at: 1, actor: 'a', action: 'b', target: 'c', reason: null, outcome: 'ok' });
          throw new Error('late');
        });
      expect(outer).toThrow('late');
      expect([registry.facts.get('a'), registry.audit.newest(9)]).toEqual([null, []]);
    });

    test('of the usual kind that a durable one joined is stored', () => {
      registry.transaction('usual', () => registry.transaction('durable', () => registry.facts.set('a', '1')));
      reopen();
      expect(registry.facts.get('a')).toBe('1');
    });

    test('fails as a whole when one inside it failed, even if that is caught', () => {
      const outer = () =>
        registry.transaction('usual', () => {
          registry.facts.set('a', '1');
          try {
            registry.transaction('usual', () => {
              registry.facts.set('b', '1');
              throw new Error('inside');
            });
          } catch {
            // Half of it would be stored if this went on.
          }
        });
      expect(outer).toThrow('inside');
      expect([registry.facts.get('a'), registry.facts.get('b')]).toEqual([null, null]);
    });

    test('refuses async work, which would end after it', () => {
      const work = async () => registry.facts.set('a', '1');
      expect(() => registry.transaction('usual', work)).toThrow('must not be async');
      expect(registry.facts.get('a')).toBeNull();
    });
  });

  test('every row is stored under the one node', () => {
    registry.projects.save(projectRow());
    registry.services.save(serviceRow('web', { spec: serviceSpec('web') }));
    registry.runs.save(runRow('r1'));
    registry.events.append(eventRow());
    registry.leases.take(leaseRow());
    for (const table of ['projects', 'services', 'runs', 'events', 'port_leases']) {
      expect(raw((sql) => sql(`SELECT DISTINCT node FROM ${table}`)).map((r) => r['node'])).toEqual(['local']);
    }
  });
});
