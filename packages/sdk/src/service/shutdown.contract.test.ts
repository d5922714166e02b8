import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { type ProgramWorld, programWorld } from '../test-programs.ts';
import { ShutdownStack } from './shutdown.ts';

const why = { kind: 'request', reason: null } as const;
const forever = () => new Promise(() => undefined);

test('handlers run once, the newest first, each on its own: sync, async, throwing, rejecting, hanging', async () => {
  const stack = new ShutdownStack();
  const ran: string[] = [];
  stack.add(() => ran.push('oldest'), { name: 'oldest' });
  stack.add(forever, { name: 'hangs', timeout: 20 });
  stack.add(
    () => {
      ran.push('throws');
      throw new Error('sync');
    },
    { name: 'throws' },
  );
  stack.add(() => Promise.reject(new Error('async')), { name: 'rejects' });
  stack.add(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ran.push('newest');
    },
    { name: 'newest' },
  );
  const [first, second] = await Promise.all([stack.execute(why), stack.execute(why)]);
  expect(first.map(({ name, ok, reason }) => [name, ok, reason])).toEqual([
    ['newest', true, 'done'],
    ['rejects', false, 'failed'],
    ['throws', false, 'failed'],
    ['hangs', false, 'timed_out'],
    ['oldest', true, 'done'],
  ]);
  expect(second).toBe(first);
  expect(ran).toEqual(['newest', 'throws', 'oldest']);
  expect(await stack.execute(why)).toEqual([]);
});

test('one limit for all together still gives each later handler its turn', async () => {
  const stack = new ShutdownStack();
  let reached = false;
  stack.add(() => {
    reached = true;
  });
  stack.add(forever, { timeout: 60_000 });
  const outcomes = await stack.execute(why, 30);
  expect(outcomes.map(({ reason }) => reason)).toEqual(['timed_out', 'done']);
  expect(reached).toBe(true);
});

test('one that is added while others run is run too, and one that was taken back is not', async () => {
  const stack = new ShutdownStack();
  const ran: string[] = [];
  const back = stack.add(() => ran.push('taken back'));
  stack.add(() => stack.add(() => ran.push('added late')));
  back();
  await stack.execute(why);
  expect(ran).toEqual(['added late']);
});

describe('the end of a program', () => {
  let world: ProgramWorld;
  beforeEach(async () => {
    world = await programWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const handlers = `
    const manager = sdk.getProcessManager();
    manager.addShutdownHandler(({ kind }) => say('sync', kind));
    manager.addShutdownHandler(async () => { await new Promise((r) => setTimeout(r, 10)); say('async'); });
    manager.addShutdownHandler(() => { say('throws'); throw new Error('on purpose'); });
    manager.addShutdownHandler(() => { say('hangs'); return new Promise(() => {}); }, { name: 'hanger', timeout: 50 });
    manager.registerShutdownHandlers();
    manager.registerShutdownHandlers();`;
  const order = (kind: string) => ['hangs', 'throws', 'async', `sync ${kind}`];
  const lines = (stdout: string) =>
    stdout
      .trim()
      .split('\n')
      .filter((line) => line !== 'up');

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s: every handler once, in reverse order, and what failed is reported',
    async (signal) => {
      const program = world.start(`${handlers} setInterval(() => {}, 1e6); say('up');`);
      await program.said('up');
      program.child.kill(signal);
      const { code, signal: by, stdout, stderr } = await program.ended;
      expect(lines(stdout)).toEqual(order('signal'));
      expect([code, by]).toEqual([1, null]);
      expect(stderr).toContain('on purpose');
      expect(stderr).toContain('hanger');
      expect(stderr).toContain('not done within 50 ms');
    },
  );

  test('a signal with handlers that all do their work ends with 0', async () => {
    const program = world.start(
      `const m = sdk.getProcessManager(); m.addShutdownHandler(async () => say('done')); m.registerShutdownHandlers(); setInterval(() => {}, 1e6); say('up');`,
    );
    await program.said('up');
    program.child.kill('SIGTERM');
    program.child.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0, signal: null, stdout: 'up\ndone\n' });
  });

  test.each([
    ['an error that is not caught', "setTimeout(() => { throw new Error('not caught'); }, 1);"],
    ['a rejection that is not handled', "Promise.reject(new Error('not caught'));"],
    ['an error at the top level', "throw new Error('not caught');"],
  ])('%s: every handler once, the error is shown, exit code 1', async (_what, code) => {
    const ended = await world.start(`${handlers} setInterval(() => {}, 1e6); ${code}`).ended;
    expect(lines(ended.stdout)).toEqual(order('uncaught'));
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('not caught');
  });

  test('nothing left to do: every handler once, also the asynchronous ones', async () => {
    const { stdout, code } = await world.start(handlers).ended;
    expect(lines(stdout)).toEqual(order('exit'));
    expect(code).toBe(1);
  });

  test('process.exit(): what is synchronous, and its exit code stays', async () => {
    const { stdout, code } = await world.start(`${handlers} process.exit(7);`).ended;
    expect(lines(stdout)).toEqual(['hangs', 'throws', 'sync exit']);
    expect(code).toBe(7);
  });

  test('a second Ctrl-C does not wait for a handler that hangs', async () => {
    const program = world.start(
      `const m = sdk.getProcessManager(); m.addShutdownHandler(() => { say('hangs'); return new Promise(() => {}); }, { timeout: 60000 }); m.registerShutdownHandlers(); setInterval(() => {}, 1e6); say('up');`,
    );
    await program.said('up');
    program.child.kill('SIGINT');
    await program.said('hangs');
    program.child.kill('SIGINT');
    expect((await program.ended).code).toBe(130);
  });

  test('executeShutdownHandlers tells what became of each, and does not end the program', async () => {
    const program = world.start(
      `${handlers} const o = await manager.executeShutdownHandlers(); say('outcomes', JSON.stringify(o.map(({ ok, reason }) => [ok, reason])));`,
    );
    expect(JSON.parse(await program.said('outcomes'))).toEqual([
      [false, 'timed_out'],
      [false, 'failed'],
      [true, 'done'],
      [true, 'done'],
    ]);
    expect(lines((await program.ended).stdout).filter((line) => !line.startsWith('outcomes'))).toEqual(
      order('request'),
    );
  });
});

describe('a failure while a failure is being reported', () => {
  let world: ProgramWorld;
  beforeEach(async () => {
    world = await programWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const alive = 'setInterval(() => {}, 1e6);';
  const note = "const note = (w) => fs.appendFileSync(process.env.NOTES, w + ' '); import fs from 'node:fs';";
  const manager = `${note} const m = sdk.getProcessManager(); m.addShutdownHandler(() => note('handler')); m.registerShutdownHandlers(); ${alive}`;
  const service = (run: string, stop = "note('handler');") => `${note} ${alive}
    class A extends sdk.ManagedService {
      constructor() { super('a' + process.pid); }
      async run() { this.onStop(() => { ${stop} }, { timeout: 100 }); await this.ready(); note('up'); ${run} await this.untilStopped(); }
    }
    await A.main();`;
  const end = async (code: string, output: 'closed' | 'full' | 'unread', signal: NodeJS.Signals | null = null) => {
    const notes = join(world.folder, `notes-${Math.random()}`);
    writeFileSync(notes, '');
    const program = world.start(code, { output, env: { NOTES: notes } });
    const read = () => readFileSync(notes, 'utf8').trim();
    if (signal !== null) {
      await until('it is up', () => read().includes('up'));
      program.child.kill(signal);
    }
    const { code: exit, signal: by } = await program.ended;
    return { exit, by, notes: read() };
  };

  test.each([
    ['a pipe whose reader has gone', 'closed'],
    ['a full disk', 'full'],
  ] as const)(
    'U30: stdout and stderr are %s: every exit path ends the program after its handlers',
    async (_what, output) => {
      const [uncaught, rejected, run, throwing, late, exits, twice] = await Promise.all([
        end(`${manager} setTimeout(() => { throw new Error('broke'); }, 1);`, output),
        end(`${manager} process.stdout.write('x'); Promise.reject(new Error('broke'));`, output),
        end(service("throw new Error('broke');"), output),
        end(service('', "note('handler'); process.stdout.write('x'); throw new Error('broke');"), output, 'SIGTERM'),
        end(
          `${manager} m.addShutdownHandler(() => { setImmediate(() => { throw new Error('late'); }); return new Promise((r) => setTimeout(r, 50)); }); process.kill(process.pid, 'SIGTERM');`,
          output,
        ),
        end(
          `${manager} process.on('exit', () => { throw new Error('at exit'); }); process.kill(process.pid, 'SIGTERM');`,
          output,
        ),
        end(`${service("this.worker('w', () => { throw new Error('broke'); });")}`, output, 'SIGTERM'),
      ]);
      expect(uncaught).toEqual({ exit: 1, by: null, notes: 'handler' });
      expect(rejected).toEqual({ exit: 1, by: null, notes: 'handler' });
      expect(run).toEqual({ exit: 1, by: null, notes: 'up handler' });
      expect(throwing).toEqual({ exit: 1, by: null, notes: 'up handler' });
      expect(late).toEqual({ exit: 0, by: null, notes: 'handler' });
      expect(exits).toEqual({ exit: 1, by: null, notes: 'handler' });
      expect(twice).toEqual({ exit: 0, by: null, notes: 'up handler' });
    },
  );

  test('U30: a pipe that is not read does not hold up the end, and a handler that never returns is cut short by SIGKILL', async () => {
    const flood = "process.stderr.write('x'.repeat(1 << 20));";
    const [report, handler, exit, storm] = await Promise.all([
      end(`${manager} setTimeout(() => { throw new Error('x'.repeat(1 << 20)); }, 1);`, 'unread'),
      end(service('', "note('handler'); for (;;);"), 'closed', 'SIGTERM'),
      end(`${manager} m.addShutdownHandler(() => { ${flood} }, { timeout: 100 }); process.exit(3);`, 'unread'),
      end(
        `${manager} m.addShutdownHandler(() => { const again = () => process.nextTick(again); again(); return new Promise(() => {}); }, { timeout: 100 }); process.kill(process.pid, 'SIGTERM');`,
        'closed',
      ),
    ]);
    // A write that blocks is cut short; one that would block is given up.
    expect([1, 'SIGKILL']).toContain(report.exit ?? report.by);
    expect([3, 'SIGKILL']).toContain(exit.exit ?? exit.by);
    expect([handler.by, storm.by]).toEqual(['SIGKILL', 'SIGKILL']);
    expect(handler.notes).toBe('up handler');
  });
});
