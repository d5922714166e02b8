import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { program } from '../harness/program.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Hunted {
  readonly processes: readonly {
    readonly pid: number;
    readonly started_at: string | null;
    readonly user: string;
    readonly command: string;
    readonly project: string | null;
    readonly service: string | null;
    readonly instance: number | null;
    readonly main: boolean;
    readonly ours: boolean;
    readonly reeve: boolean;
    readonly ports: readonly number[];
    readonly found_by: readonly string[];
    readonly why: readonly string[];
    readonly confidence: string;
  }[];
}

const hunt = async (reeve: TestReeve, query: string) => (await reeve.json<Hunted>(['hunt', query])).processes;

/** A process of no project. Ended with the test. */
function foreign(...args: readonly string[]): number {
  const [command = '', ...rest] = program('stays', ...args);
  const child = spawn(command, rest, { stdio: 'ignore', detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child.pid ?? 0;
}

test('a service is found by its name, with all of its processes and how each is known', async () => {
  await using reeve = startReeve();
  reeve.project({
    project: 'shop',
    services: {
      api: {
        command: [...reeve.program('notes-signals', 'child=yes')],
        ready: { log: 'child ready' },
        stop: { timeout: '500ms' },
      },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'api');
  const found = await hunt(reeve, 'shop/api');
  expect(found).toHaveLength(2);
  expect(found).toContainEqual(
    expect.objectContaining({ pid, project: 'shop', service: 'api', instance: 0, main: true, confidence: 'high' }),
  );
  expect(found.every((each) => each.ours && each.started_at !== null)).toBe(true);
  expect(found.find((each) => each.pid === pid)?.why).toEqual(['is the main process of api of shop']);
  const shown = await reeve.run(['hunt', 'api']);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('shop/api');
});

test('a port is found with its owner, and a pid with its service', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ services: { web: { command: [...reeve.program('http-server', `port=${port}`)], ports: [port] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'web');
  const byPort = await hunt(reeve, `:${port}`);
  expect(byPort).toMatchObject([{ pid, service: 'web', ports: [port], confidence: 'high' }]);
  expect(byPort[0]?.why[0]).toMatch(new RegExp(`listens on TCP ${port}`));
  expect(await hunt(reeve, String(pid))).toContainEqual(expect.objectContaining({ pid, service: 'web' }));
});

test('works with the daemon down', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { db: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'db');
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  expect(await hunt(reeve, 'db')).toContainEqual(expect.objectContaining({ pid, service: 'db', main: true }));
  expect((await reeve.run(['daemon', 'status'])).code, 'it has not started one').toBe(3);
});

test('a foreign process is found by its command line, with low confidence, and never the shell that asks', async () => {
  await using reeve = startReeve();
  const word = `word=${path.basename(reeve.folder)}${process.pid}x`;
  const pid = foreign(word);
  await until('it runs', async () => (await reeve.run(['hunt', word])).code === 0);
  const found = await hunt(reeve, word);
  expect(found).toMatchObject([{ pid, project: null, service: null, ours: false, confidence: 'low' }]);
  expect(found[0]?.found_by).toEqual(['command']);
});

test('exit code 4 when it finds nothing, and says so of a service that is stopped', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { api: { command: 'sleep 1000', autostart: false } } });
  expect((await reeve.run(['hunt', 'no-such-thing-anywhere'])).code).toBe(4);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const none = await reeve.run(['hunt', 'project/api']);
  expect(none.code).toBe(4);
  const { code } = await reeve.run(['hunt', '']);
  expect(code).toBe(2);
});
