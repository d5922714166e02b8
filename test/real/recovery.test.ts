import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { servicesOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { killDaemon } from '../harness/victims.ts';

test('D4: a daemon that takes over executes no secret command; a stop command has the secrets of its run all the same', async () => {
  await using reeve = startReeve();
  const secrets = { KEY: { command: ['sh', '-c', 'echo asked >> asked; echo canary'] } };
  const stop = (name: string) => ({ command: ['sh', '-c', `echo "$KEY" > told-${name}; kill $MAINPID`] });
  reeve.project({
    services: {
      plain: { command: ['sleep', '100000'], secrets, stop: stop('plain') },
      // Its environment cannot be read any more.
      titled: {
        command: [...reeve.program('overwrites-title')],
        secrets,
        ready: { log: 'ready' },
        stop: stop('titled'),
      },
    },
  });
  const asked = () => readFileSync(path.join(reeve.folder, 'asked'), 'utf8').trim().split('\n').length;
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  expect(asked()).toBe(2);
  await killDaemon(reeve);
  expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
  const after = await servicesOf(reeve);
  expect(after.get('plain')).toMatchObject({ state: 'running', restarts: 0 });
  expect(after.get('titled')).toMatchObject({ state: 'running', restarts: 0 });
  expect(asked(), 'nothing of the user was executed').toBe(2);
  expect((await reeve.run(['stop', 'plain'])).code).toBe(0);
  expect(asked()).toBe(2);
  expect((await reeve.run(['stop'])).code).toBe(0);
  for (const name of ['plain', 'titled']) {
    const told = path.join(reeve.folder, `told-${name}`);
    expect(existsSync(told) && readFileSync(told, 'utf8'), name).toBe('canary\n');
  }
});
