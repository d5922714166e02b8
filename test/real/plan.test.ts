import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { linesOf, serviceOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Plan {
  readonly services: readonly {
    readonly name: string;
    readonly action: string;
    readonly cost: string | null;
    readonly changes: readonly {
      readonly field: string;
      readonly from: unknown;
      readonly to: unknown;
      readonly cost: string;
    }[];
  }[];
}
const planOf = async (reeve: TestReeve) => (await reeve.json<Plan>(['up', '--dry-run'])).services;
const pidsOf = async (reeve: TestReeve) =>
  Object.fromEntries((await reeve.json<PsView>(['ps'])).services.map(({ name, pid }) => [name, pid]));
/** The environment that the newest run of a service has printed. */
async function envOf(reeve: TestReeve, service: string): Promise<Readonly<Record<string, string>>> {
  const { pid } = await serviceOf(reeve, service);
  const line = await until('it has printed its environment', async () => (await linesOf(reeve, service)).at(-1));
  expect(pid).not.toBeNull();
  return (JSON.parse(line) as { env: Record<string, string> }).env;
}

test('up after changing one environment restarts that one only, and --dry-run had said so', async () => {
  await using reeve = startReeve();
  const services = {
    db: { command: reeve.program('stays', 'name=db') },
    api: {
      command: reeve.program('shows-env'),
      env: { LOG_LEVEL: 'info', OLD_FLAG: '1', API_TOKEN: 'hunter2' },
      depends_on: ['db'],
    },
    web: { command: reeve.program('stays', 'name=web'), depends_on: ['api'] },
  };
  reeve.project({ services });
  await reeve.json(['up']);
  expect(await envOf(reeve, 'api')).toMatchObject({ LOG_LEVEL: 'info', OLD_FLAG: '1' });
  expect((await planOf(reeve)).map(({ name, action, cost }) => [name, action, cost])).toEqual([
    ['db', 'keep', null],
    ['api', 'keep', null],
    ['web', 'keep', null],
  ]);
  const before = await pidsOf(reeve);

  reeve.project({
    services: { ...services, api: { ...services.api, env: { LOG_LEVEL: 'debug', API_TOKEN: 'hunter3' } } },
  });
  const planned = await planOf(reeve);
  expect(planned.map(({ name, action, cost }) => [name, action, cost])).toEqual([
    ['db', 'keep', null],
    ['api', 'restart', 'restart'],
    ['web', 'keep', null],
  ]);
  expect(planned[1]?.changes).toEqual([
    { field: 'env.LOG_LEVEL', from: 'info', to: 'debug', cost: 'restart' },
    { field: 'env.OLD_FLAG', from: '1', to: null, cost: 'restart' },
    { field: 'env.API_TOKEN', from: '***', to: '***', cost: 'restart' },
  ]);
  const told = await reeve.run(['up', '--dry-run']);
  expect(told.stdout).toMatch(/api {2}env\.LOG_LEVEL: info (→|->) debug {2}\(restart\)/);
  expect(told.stdout).not.toContain('hunter');
  expect(await pidsOf(reeve)).toEqual(before);

  await reeve.json(['up']);
  const after = await pidsOf(reeve);
  expect(after).toMatchObject({ db: before['db'], web: before['web'] });
  expect(after['api']).not.toBe(before['api']);
  const env = await until('the new run has printed', async () => {
    const now = await envOf(reeve, 'api');
    return now['LOG_LEVEL'] === 'debug' && now;
  });
  expect(env).not.toHaveProperty('OLD_FLAG');
});

test('what only reeve acts on is applied to what runs, without a new process', async () => {
  await using reeve = startReeve();
  reeve.file('well', '');
  const health = { command: ['test', '-e', 'well'], interval: '60s', retries: 1, start_period: 0 };
  const api = { command: reeve.program('stays'), health, on_unhealthy: 'nothing' };
  reeve.project({ services: { api } });
  await reeve.json(['up']);
  const before = await serviceOf(reeve, 'api');

  const changed = {
    ...api,
    description: 'The API',
    groups: ['backend'],
    restart: { policy: 'always', backoff: '10ms' },
    health: { ...health, interval: '50ms' },
  };
  reeve.project({ services: { api: changed } });
  const [planned] = await planOf(reeve);
  expect(planned).toMatchObject({ action: 'update', cost: 'live' });
  expect(planned?.changes.map(({ field }) => field)).toEqual([
    'description',
    'health.interval',
    'restart.policy',
    'restart.backoff.min',
    'restart.backoff.max',
    'groups',
  ]);
  await reeve.json(['up']);
  expect(await serviceOf(reeve, 'api')).toMatchObject({ description: 'The API', groups: ['backend'], pid: before.pid });
  // The checks continue at their new pace: the old one would not have asked again for a minute.
  await reeve.run(['exec', 'api', 'rm', 'well']);
  const ill = await untilService(reeve, 'api', ({ health: now }) => now === 'unhealthy');
  expect(ill).toMatchObject({ pid: before.pid, state: 'running' });
  // And so does the restart policy.
  await reeve.run(['exec', 'api', 'touch', 'well']);
  await reeve.run(['signal', 'KILL', 'api']);
  await untilService(reeve, 'api', ({ restarts, state }) => restarts === 1 && state === 'running');
});

test('the environment is made anew at each start: env files are read again, and what has left them is gone', async () => {
  await using reeve = startReeve();
  reeve.file('.env', 'KEPT=1\nGOES=1\n');
  reeve.project({ env_files: ['.env'], services: { api: { command: reeve.program('shows-env') } } });
  await reeve.json(['up']);
  expect(await envOf(reeve, 'api')).toMatchObject({ KEPT: '1', GOES: '1' });
  reeve.file('.env', 'KEPT=2\n');
  await reeve.json(['restart', 'api']);
  const env = await until('the new run has printed', async () => {
    const now = await envOf(reeve, 'api');
    return now['KEPT'] === '2' && now;
  });
  expect(env).not.toHaveProperty('GOES');
});

test('U13: up compares what would be executed: env files, the caller, secrets; a changed script is a note', async () => {
  await using reeve = startReeve();
  const script = reeve.file('say.sh', 'echo said; exec sleep 1000\n');
  const change = (n: number): Promise<Readonly<Record<string, string>>> => {
    reeve.file('.env', `A=${n}\nA_TOKEN=secret-${n}\n`);
    reeve.file('secret', `hidden-${n}`);
    return Promise.resolve({ OUTER: `outer-${n}` });
  };
  reeve.project({
    services: {
      file: { command: 'sleep 1000', env_files: ['.env'] },
      word: { command: ['sh', '-c', 'echo ${A}; exec sleep 1000'], env_files: ['.env'] },
      outer: { command: ['sh', '-c', 'echo ${OUTER}; exec sleep 1000'] },
      secret: { command: 'sleep 1000', secrets: { HIDDEN: { file: 'secret' } } },
      script: { command: ['sh', script] },
    },
  });
  const up = async (n: number, ...more: string[]) => reeve.run(['up', '-d', ...more], { env: await change(n) });
  expect((await up(1)).code).toBe(0);
  const before = await pidsOf(reeve);
  const again = await up(1);
  expect(again.stderr).not.toMatch(/changed/);
  expect(await pidsOf(reeve)).toEqual(before);

  reeve.file('say.sh', 'echo said otherwise; exec sleep 1000\n');
  const plan = await up(2, '--dry-run');
  expect(plan.stdout).toMatch(/file\s+restart[\s\S]*script\s+keep/);
  expect(plan.stdout).toMatch(/say\.sh: as it was started/);
  const third = await up(2);
  const told = third.stdout + third.stderr;
  expect(told).toContain('env.A: 1');
  expect(told).toContain('outer-2');
  expect(told).toContain('env.HIDDEN');
  expect(told).not.toMatch(/secret-\d|hidden-\d/);
  const after = await pidsOf(reeve);
  const kept = Object.keys(after).filter((name) => after[name] === before[name]);
  expect(kept).toEqual(['script']);
});
