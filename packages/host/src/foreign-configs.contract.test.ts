import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeForeign, foreignConfigs } from './foreign-configs.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rv-foreign-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('U18: the configs of other managers are known by their names, and nothing else is', () => {
  expect(describeForeign(folder)).toBeNull();
  expect(describeForeign(path.join(folder, 'gone'))).toBeNull();
  const theirs = {
    'compose.yaml': 'Docker Compose',
    'docker-compose.yml': 'Docker Compose',
    'docker-compose.prod.yml': 'Docker Compose',
    'process-compose.yaml': 'process-compose',
    'ecosystem.config.js': 'pm2',
    'ecosystem.config.cjs': 'pm2',
    'pm2.json': 'pm2',
    Procfile: 'a Procfile',
    'Procfile.dev': 'a Procfile',
    'supervisord.conf': 'supervisord',
    'mprocs.yaml': 'mprocs',
  };
  for (const name of [...Object.keys(theirs), 'package.json', 'Procfiles', 'composer.json', 'compose.yaml.bak'])
    writeFileSync(path.join(folder, name), '');
  expect(Object.fromEntries(foreignConfigs(folder).map(({ file, tool }) => [file, tool]))).toEqual(theirs);
});
