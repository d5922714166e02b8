import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { daemonOf, keeperOf, kill } from '../harness/victims.ts';

/** A kill from outside of everything, as when a container is stopped: no program sees how anything ends. */
async function killEverything(reeve: TestReeve): Promise<void> {
  const { services } = await reeve.json<PsView>(['ps']);
  const victims = [daemonOf(reeve), keeperOf(reeve), ...services.map(({ pid }) => pid)];
  for (const pid of victims) kill(pid);
  await until('they are gone', () => !reeve.outside().some(({ pid }) => victims.includes(pid)));
}

test('U1: a new command is not answered with the outcome of a run that a kill of everything ended', async () => {
  await using reeve = startReeve();
  const restart = { policy: 'always', backoff: '50ms..1h', limit: '1 per 1h' };
  // The first run leaves a child that takes its time to end: the command comes while it is swept away.
  const child = reeve.program('slow-on-term', 'ms=1000').join(' ');
  reeve.project({
    services: {
      job: { command: ['sh', '-c', `test -e ran && exit 0; touch ran; ${child} & wait`], oneshot: true },
      never: { command: ['sleep', '1000'], restart: 'never' },
      always: { command: ['sleep', '1000'], restart },
    },
  });
  await reeve.run(['up', '-d', '--no-wait']);
  await untilService(reeve, 'always', (s) => s.state === 'running');
  await untilService(reeve, 'never', (s) => s.state === 'running');
  await untilService(reeve, 'job', (s) => s.pid !== null);
  for (let round = 1; round <= 2; round++) {
    await killEverything(reeve);
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stdout + up.stderr).toBe(0);
    const services = await servicesOf(reeve);
    expect(services.get('job')?.state).toBe('completed');
    expect(services.get('never')?.state).toBe('running');
    expect(services.get('always')?.state).toBe('running');
  }
});

test('U1: without a new command an unseen end is followed by what the policy says, and is not a failure', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      never: { command: ['sleep', '1000'], restart: 'never' },
      again: { command: ['sleep', '1000'], restart: { policy: 'on-failure', backoff: '50ms..1h', limit: '1 per 1h' } },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  for (let round = 1; round <= 3; round++) {
    await killEverything(reeve);
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await untilService(reeve, 'again', (s) => s.state === 'running')).toMatchObject({ intent: 'up' });
  }
  const never = await untilService(reeve, 'never', (s) => s.state === 'stopped');
  expect(never).toMatchObject({ intent: 'up', reason: 'exit not observed' });
});

test('U1: a command that comes as service and keeper die, the daemon alive, is not answered with their past', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { never: { command: ['sleep', '1000'], restart: 'never' } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'never');
  kill(keeperOf(reeve));
  kill(pid);
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stdout + up.stderr).toBe(0);
  const after = await serviceOf(reeve, 'never');
  expect(after.state).toBe('running');
  expect(after.pid).not.toBe(pid);
});
