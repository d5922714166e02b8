import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { segmentName } from '@reeve/contract';
import { homePaths, instanceId } from '@reeve/host';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from './main.ts';
import { type TestIoOptions, testIo } from './test-io.ts';

let base: string;
let home: string;
let folder: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-cli-')));
  home = join(base, 'home');
  folder = join(base, 'shop');
  mkdirSync(folder);
  mkdirSync(join(folder, '.git'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const CONFIG = `project: shop
services:
  db: { command: sleep 60, ports: [5432] }
  api: { command: "echo a && sleep 60", depends_on: { db: healthy }, instances: 2 }
`;
const write = (text: string): void => writeFileSync(join(folder, 'reeve.yaml'), text);

async function reeve(line: string | readonly string[], options: TestIoOptions = {}) {
  const io = testIo({ cwd: folder, ...options, env: { REEVE_HOME: home, HOME: base, ...options.env } });
  const code = await run(typeof line === 'string' ? line.split(' ').filter(Boolean) : line, io);
  return {
    code,
    stdout: io.stdout(),
    stderr: io.stderr(),
    json: () => JSON.parse(io.stdout()) as Record<string, unknown>,
  };
}

test('validate accepts a good config, and with --verbose says how each command runs', async () => {
  write(CONFIG);
  expect(await reeve('validate')).toMatchObject({
    code: 0,
    stdout: `${folder}/reeve.yaml is valid: shop, 2 services\n`,
  });
  const { stdout } = await reeve('validate --verbose');
  expect(stdout).toContain('db: runs directly: sleep 60');
  expect(stdout).toContain('api: runs through /bin/sh');
  expect((await reeve('validate --json')).json()).toMatchObject({ valid: true, project: 'shop', problems: [] });
});

test('validate points at what is wrong, in words and as JSON, and nothing is made in the home', async () => {
  write(CONFIG.replace('sleep 60, ports', 'sleep 60, prots'));
  const { code, stdout, stderr } = await reeve('validate');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^✗ reeve\.yaml:3:\d+ .*prots/);
  expect(stderr).toContain('did you mean "ports"');
  expect(stderr).not.toContain('✗ ✗');
  const asJson = await reeve('validate --json');
  expect(asJson.code).toBe(2);
  expect(asJson.json()).toMatchObject({ valid: false, problems: [{ line: 3, near: 'ports' }] });
  expect((await reeve('up -d')).code).toBe(2);
  expect(readdirSync(base)).toEqual(['shop']);
});

test('graph shows the order of the start', async () => {
  write(CONFIG);
  expect(await reeve('graph')).toMatchObject({ code: 0, stdout: 'db\napi\tdb:healthy\n' });
  expect((await reeve('graph --json')).json()).toMatchObject({
    services: [
      { name: 'db', wave: 0 },
      { name: 'api', wave: 1 },
    ],
  });
});

test('without a daemon a config that was never applied is all stopped, and asking starts no daemon', async () => {
  write(CONFIG);
  const ps = await reeve('ps --json', { cwd: mkdirAt('shop/deeper') });
  expect(ps.code).toBe(0);
  expect(ps.json()).toMatchObject({
    project: 'shop',
    daemon: { running: false, pid: null, version: null },
    services: [
      { name: 'db', state: 'stopped', ready: false },
      { name: 'api', instances: [{ index: 0 }, { index: 1 }] },
    ],
    unmanaged: [],
    scanned_at: null,
  });
  expect(await reeve('status db')).toMatchObject({ code: 3 });
  expect((await reeve('why api')).stdout).toContain('api has never been started');
  expect(await reeve('events')).toMatchObject({ code: 0, stdout: '' });
  expect(await reeve('logs')).toMatchObject({ code: 0, stdout: '' });
  expect((await reeve('ports --json')).code).toBe(0);
  expect(await reeve('daemon status')).toMatchObject({ code: 3 });
  expect((await reeve('daemon status --json')).json()).toMatchObject({ running: false, pid: null, home, url: null });
  expect(readdirSync(base)).toEqual(['shop']);
});

function mkdirAt(path: string): string {
  mkdirSync(join(base, path), { recursive: true });
  return join(base, path);
}

test('a stop where nothing ever ran is complete; a wrong name is not found', async () => {
  write(CONFIG);
  expect((await reeve('stop --json')).json()).toEqual({
    project: 'shop',
    status: 'COMPLETE',
    services: [],
    survivors: [],
    ms: 0,
  });
  expect(await reeve('stop')).toMatchObject({ code: 0, stdout: '✓ COMPLETE  shop: nothing was running\n' });
  expect(await reeve('stop --all')).toMatchObject({ code: 0 });
  expect(await reeve('down')).toMatchObject({ code: 0 });
  const wrong = await reeve('stop apii');
  expect(wrong).toMatchObject({ code: 4, stdout: '' });
  expect(wrong.stderr).toContain('did you mean api?');
  expect(await reeve('daemon stop --with-services')).toMatchObject({ code: 0 });
  expect(readdirSync(base)).toEqual(['shop']);
});

test('neither a config nor a project: exit code 4; two configs found side by side: 2', async () => {
  for (const line of ['ps', 'status', 'stop', 'events', 'logs', 'why x', 'graph', 'ps --project nope']) {
    expect([line, (await reeve(line)).code]).toEqual([line, 4]);
  }
  expect((await reeve('up -d')).code, 'up needs a config').toBe(2);
  write(CONFIG);
  writeFileSync(join(folder, 'reeve.json'), '{}');
  const { code, stderr } = await reeve('ps');
  expect(code).toBe(2);
  expect(stderr).toContain('reeve.yaml');
  expect(stderr).toContain('reeve.json');
});

test('-C and --config name a project from elsewhere', async () => {
  write(CONFIG);
  writeFileSync(join(folder, 'other.yaml'), CONFIG.replace('shop', 'other'));
  expect((await reeve(['-C', folder, 'ps', '--json'], { cwd: base })).json()).toMatchObject({ project: 'shop' });
  expect((await reeve(['ps', '--json', '--config', join(folder, 'other.yaml')], { cwd: base })).json()).toMatchObject({
    project: 'other',
  });
  expect((await reeve('ps --config nowhere.yaml')).code).toBe(2);
  expect((await reeve('ps -C nowhere')).code).toBe(2);
});

test('a dry run says what would be done, in order, and does none of it', async () => {
  write(CONFIG);
  const { code, json } = await reeve('up --dry-run --json');
  expect(code).toBe(0);
  expect(json()).toMatchObject({
    services: [
      { name: 'db', action: 'start' },
      { name: 'api', action: 'start', depends_on: ['db'] },
    ],
  });
  expect((await reeve('up nope --dry-run')).code).toBe(4);
  expect(readdirSync(base)).toEqual(['shop']);
});

test('errors are on standard error, as JSON when JSON is asked for', async () => {
  const { code, stdout, stderr } = await reeve('statu --json');
  expect([code, stdout]).toEqual([2, '']);
  expect(JSON.parse(stderr)).toEqual({
    error: {
      code: 'USAGE',
      message: 'unknown command "statu"',
      hint: 'did you mean reeve status? reeve help shows the commands',
    },
  });
});

test('help: examples come first; of one command, of a group, and of what does not exist', async () => {
  const { stdout } = await reeve('help');
  expect(stdout.indexOf('Examples')).toBeLessThan(stdout.indexOf('Commands'));
  for (const later of ['doctor', 'init', 'adopt', 'scale']) expect(stdout).not.toMatch(new RegExp(`^  ${later} `, 'm'));
  expect((await reeve('')).stdout).toBe(stdout);
  expect((await reeve('logs --help')).stdout).toBe((await reeve('help logs')).stdout);
  expect((await reeve('daemon -h')).stdout).toBe((await reeve('help daemon')).stdout);
  expect((await reeve('help daemon stop')).stdout).toContain('--with-services');
  expect(await reeve('help doctor')).toMatchObject({ code: 2, stdout: '' });
  const wide = await reeve('help logs', { terminal: 60 });
  expect(wide.stdout.split('\n').every((line) => line.length <= 70)).toBe(true);
});

test('version', async () => {
  expect((await reeve('version')).stdout).toMatch(/^reeve \d+\.\d+\.\d+\n$/);
  expect((await reeve('--version')).stdout).toBe((await reeve('version')).stdout);
  expect((await reeve('version --json')).json()).toMatchObject({ node: process.version });
});

test('U31: logs --raw are the bytes of the file', async () => {
  write(CONFIG);
  const bytes = Buffer.concat([Buffer.from('a\r\n\n'), Buffer.alloc(40_000, 0xe9), Buffer.from('\n\u001b[1mend')]);
  logged('db', 0, 1000, bytes);
  const written: Uint8Array[] = [];
  const io = testIo({ cwd: folder, env: { REEVE_HOME: home, HOME: base } });
  const out = { ...io.out, write: (piece: string | Uint8Array) => void written.push(Buffer.from(piece)) };
  expect(await run(['logs', 'db', '--raw', '-n', 'all'], { ...io, out })).toBe(0);
  expect(Buffer.concat(written).equals(bytes)).toBe(true);
});

test('logs are read from the files, merged by time, filtered, and safe to show', async () => {
  write(CONFIG);
  logged('db', 0, 1000, 'first\nopen \u001b]0;x\u0007door\n');
  logged('api', 1, 2000, 'error: late\n');
  const [one, two] = ['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:02.000Z'];
  expect((await reeve('logs')).stdout, 'U6: with times off a terminal too').toBe(
    `${one} db    first\n${one} db    open door\n${two} api:1 error: late\n`,
  );
  expect((await reeve('logs db')).stdout).toBe(`${one} first\n${one} open door\n`);
  expect((await reeve('logs -n 1')).stdout).toBe(`${two} api:1 error: late\n`);
  expect((await reeve('logs --grep ^f -n 1')).stdout).toBe(`${one} db    first\n`);
  expect((await reeve('logs db --raw --grep open')).stdout).toBe('open \u001b]0;x\u0007door\n');
  expect((await reeve('logs db --stream err')).stdout).toBe('');
  expect((await reeve('logs db --since 1m')).stdout).toBe('');
  const lines = (await reeve('logs --json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines[2]).toMatchObject({
    at: '1970-01-01T00:00:02.000Z',
    project: 'shop',
    service: 'api',
    instance: 1,
    run: 'r1',
    stream: 'out',
    line: 'error: late',
  });
  expect((await reeve('logs db --paths')).stdout).toBe(`${logFolder('db', 0)}/${segmentName('out', 1)}\n`);
  expect((await reeve('logs nope')).code).toBe(4);
  expect((await reeve('logs --grep (')).code).toBe(2);
});

function logFolder(service: string, instance: number): string {
  return join(homePaths(home).logs, instanceId(folder, service, instance));
}
function logged(service: string, instance: number, at: number, text: string | Uint8Array): void {
  const place = logFolder(service, instance);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, segmentName('out', 1)), text);
  writeFileSync(join(place, segmentName('out', 1).replace('.log', '.idx')), `${at} 0 1 r1\n`);
}

test('the daemon log is shown for people, followed until interrupted', async () => {
  mkdirSync(home);
  const line = (msg: string) =>
    `${JSON.stringify({ level: 'warn', time: '2026-11-21T10:00:00.000Z', pid: 1, msg, port: 3 })}\n`;
  const file = homePaths(home).daemonLog;
  writeFileSync(file, line('one') + line('two'));
  expect((await reeve('daemon logs -n 1')).stdout).toBe('2026-11-21T10:00:00.000Z warn  two  port=3\n');
  const io = testIo({ cwd: folder, env: { REEVE_HOME: home, HOME: base } });
  const following = run(['daemon', 'logs', '-f', '--json'], io);
  await until(() => io.stdout().includes('two'));
  writeFileSync(file, line('three'), { flag: 'a' });
  await until(() => io.stdout().includes('three'));
  io.interrupt('SIGINT');
  expect(await following).toBe(130);
  expect(io.stdout()).toBe(line('one') + line('two') + line('three'));
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('completion offers what stands in the table, and the names of this project', async () => {
  write(CONFIG);
  const offered = async (...words: string[]) =>
    (await reeve(['__complete', '--', ...words])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0]);
  expect(await offered('st')).toEqual(['start', 'stop', 'status']);
  expect(await offered('stop', '')).toEqual(['db', 'api']);
  expect(await offered('stop', 'db', '')).toEqual(['api']);
  expect(await offered('-C', folder, 'logs', 'a')).toEqual(['api']);
  expect(await offered('wait', '--for', 's')).toEqual(['stopped']);
  expect(await offered('--config', '')).toEqual([':file']);
  expect((await reeve(['__complete', '--', 'stop', ''], { cwd: base })).code).toBe(0);
  expect(readdirSync(base)).toEqual(['shop']);
});

test('the bash script works in bash', async () => {
  const script = join(base, 'reeve.bash');
  writeFileSync(script, (await reeve('completion bash')).stdout);
  // Stands for the program: says what it was asked, and offers two names and the files.
  const program = join(base, 'reeve');
  writeFileSync(
    program,
    `#!/bin/sh\nprintf '%s|' "$@" > ${base}/asked\nprintf 'api\\trunning\\napp\\tstopped\\n:file\\t\\n'\n`,
  );
  chmodSync(program, 0o755);
  writeFileSync(join(folder, 'ap.txt'), '');
  const ask = `source ${script}; cd ${folder}; COMP_WORDS=(reeve logs 'a b' ap); COMP_CWORD=3; _reeve; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p reeve`;
  const said = execFileSync('bash', ['--norc', '-c', ask], {
    encoding: 'utf8',
    env: { PATH: `${base}:/usr/bin:/bin` },
  });
  expect(said.split('\n')).toEqual(['api', 'app', 'ap.txt', 'complete -F _reeve reeve', '']);
  expect(execFileSync('cat', [join(base, 'asked')], { encoding: 'utf8' })).toBe('__complete|--|logs|a b|ap|');
});

test('there is a script for every shell', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    expect((await reeve(`completion ${shell}`)).stdout).toContain('reeve __complete --');
  }
});
