import { readFileSync, statSync } from 'node:fs';
import type { WhyView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { untilService } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

test('LG14: secrets from a file and a command reach the service, and are shown nowhere; the raw log is 0600', async () => {
  await using reeve = startReeve();
  reeve.file('password', 'canary-from-file\n');
  reeve.project({
    services: {
      api: {
        command: ['sh', '-c', 'echo "I have $DB_PASSWORD and $API_KEY and $${API_KEY}"; exec sleep 1000'],
        secrets: { DB_PASSWORD: { file: 'password' }, API_KEY: { command: ['echo', 'canary-from-command'] } },
      },
      crashing: {
        command: ['sh', '-c', 'echo "$DB_PASSWORD is wrong" >&2; exit 3'],
        secrets: { DB_PASSWORD: { file: 'password' } },
        restart: 'never',
      },
    },
  });
  await reeve.run(['up', '-d']);
  await untilService(reeve, 'api', ({ state }) => state === 'running');
  await untilService(reeve, 'crashing', ({ state }) => state === 'failed');
  const lines = await until('it has spoken', async () => (await reeve.run(['logs', 'api'])).stdout);
  expect(lines).toContain('I have *** and *** and ***');
  expect((await reeve.json<WhyView>(['why', 'crashing'])).crash?.lines).toEqual(['*** is wrong']);
  for (const command of [
    ['logs'],
    ['logs', '--raw'],
    ['logs', '--json'],
    ['why', 'api'],
    ['why', 'crashing'],
    ['status', 'api'],
    ['ps', '--json'],
    ['events', '--json'],
    ['up', '--dry-run', '--json'],
    ['daemon', 'logs'],
  ]) {
    const { stdout, stderr } = await reeve.run(command);
    expect(`${stdout}${stderr}`, command.join(' ')).not.toContain('canary-from');
  }
  const paths = await reeve.json<{ paths: readonly string[] }>(['logs', 'api', '--paths']);
  const raw = paths.paths.map((path) => readFileSync(path, 'utf8')).join('');
  expect(raw).toContain('I have canary-from-file and canary-from-command');
  for (const path of paths.paths) expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a secret that cannot be read is named, with why and without what its command said', async () => {
  await using reeve = startReeve();
  const command = reeve.program('stays');
  reeve.project({
    services: {
      nofile: { command, secrets: { TOKEN: { file: 'nowhere' } } },
      nocommand: { command, secrets: { TOKEN: { command: ['sh', '-c', 'echo canary; exit 3'] } } },
    },
  });
  await reeve.run(['up', '-d']);
  const nofile = await untilService(reeve, 'nofile', ({ state }) => state === 'failed');
  expect(nofile.reason).toMatch(/^cannot get the secret TOKEN: .*nowhere: it does not exist$/);
  const nocommand = await untilService(reeve, 'nocommand', ({ state }) => state === 'failed');
  expect(nocommand.reason).toBe('cannot get the secret TOKEN: its command sh ended with 3');
});
