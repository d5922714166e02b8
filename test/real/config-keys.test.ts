import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { linesOf, serviceOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';

test('U7: what a service is given is what its config says', async () => {
  await using reeve = startReeve();
  mkdirSync(path.join(reeve.folder, 'sub'));
  const port = await reeve.port();
  reeve.file('told.mjs', "process.send('ready'); setInterval(() => {}, 1000);");
  reeve.project({
    services: {
      all: {
        command: 'echo "$BASH"; pwd; umask; nice; ulimit -n; echo "$PORT_DNS"; echo END; exec sleep 1000',
        shell: '/bin/bash',
        cwd: 'sub',
        umask: '027',
        nice: 3,
        limits: { nofile: 321 },
        ports: { dns: { port: `${port}/udp` } },
        ready: { log: '^END$' },
        description: 'All of it',
        groups: ['front', 'back'],
        capabilities: ['PRINTS'],
        is_system: true,
        cleanup: { command: 'sleep 1000', timeout: '100ms' },
      },
      told: { command: [process.execPath, 'told.mjs'], ready: { ipc: true, timeout: '1m' } },
      mute: {
        command: `echo heard; touch ${reeve.folder}/ran; exec sleep 1000`,
        logs: false,
        ready: { command: `test -e ${reeve.folder}/ran` },
      },
    },
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  const sub = path.join(reeve.folder, 'sub');
  expect(await linesOf(reeve, 'all')).toEqual(['/bin/bash', sub, '0027', '3', '321', `${port}`, 'END']);
  expect(await serviceOf(reeve, 'all')).toMatchObject({
    description: 'All of it',
    groups: ['front', 'back'],
    is_system: true,
  });
  const { announcements } = await reeve.json<{ announcements: readonly object[] }>(['advertisements']);
  expect(announcements).toMatchObject([{ name: 'all', capabilities: ['PRINTS'] }]);
  expect((await serviceOf(reeve, 'told')).ready).toBe(true);
  expect(await linesOf(reeve, 'mute')).toEqual([]);
  const stop = await reeve.run(['stop', '--json']);
  expect(stop.json()).toMatchObject({ clean_ups: [{ service: 'all', outcome: expect.not.stringMatching('done') }] });
});
