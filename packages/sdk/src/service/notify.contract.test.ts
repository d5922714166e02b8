import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { programWorld } from '../test-programs.ts';

/** What a supervisor would hear: the assignments of every datagram, in order. */
async function supervisor(): Promise<{ socket: string; heard: () => readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'rv-ntfy-'));
  const socket = join(folder, 'n.sock');
  const code = `import json,socket\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind("${socket}")\nprint("up",flush=True)\nwhile True: print(json.dumps(s.recv(4096).decode()),flush=True)`;
  const child = spawn('python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child.stdout, 'data');
  return {
    socket,
    heard: () =>
      text
        .split('\n')
        .slice(1, -1)
        .flatMap((line) => (JSON.parse(line) as string).trim().split('\n')),
  };
}

test.each([
  ['with the binding', true],
  ['without it, by systemd-notify', false],
])(
  'a supervisor receives readiness, status, health, life, reload and the end, in order (%s)',
  async (_how, binding) => {
    const { socket, heard } = await supervisor();
    await using world = await programWorld(binding);
    const program = world.start(
      `class A extends sdk.ManagedService {
       constructor() { super('a'); }
       async run() {
         this.status('warming\\nup'); await this.ready(); this.health('unhealthy', 'no database'); this.watchdog(); this.onReload(() => say('reloaded'));
         say('ready'); await this.untilStopped();
       }
     }
     await A.main();`,
      { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' } },
    );
    await program.said('ready');
    await until('two signs of life', () => heard().filter((each) => each === 'WATCHDOG=1').length >= 2);
    program.child.kill('SIGHUP');
    await until('ready again', () => heard().filter((each) => each === 'READY=1').length === 2);
    program.child.kill('SIGTERM');
    await program.ended;
    await until('the end is reported', () => heard().includes('STOPPING=1'));
    const said = heard()
      .filter((each) => each !== 'WATCHDOG=1')
      .map((each) => each.replace(/=\d{3,}$/, '=N'));
    expect(said).toEqual([
      'STATUS=warming up',
      'READY=1',
      'X_REEVE_HEALTH=unhealthy:no database',
      'RELOADING=1',
      'MONOTONIC_USEC=N',
      'READY=1',
      'STOPPING=1',
    ]);
  },
);

test('a check that fails withholds the sign of life, and a watchdog meant for another process is none of ours', async () => {
  const { socket, heard } = await supervisor();
  await using world = await programWorld();
  const program = world.start(
    `class A extends sdk.ManagedService { constructor() { super('a'); } async run() { let n = 0; this.watchdog({ check: () => { n++; if (n === 3) say('three'); return false; } }); await this.untilStopped(); } } await A.main();`,
    { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '20000' } },
  );
  await program.said('three');
  const other = world.start(
    `class B extends sdk.ManagedService { constructor() { super('b'); } async run() { this.watchdog(); await this.ready(); } } await B.main();`,
    { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' } },
  );
  expect((await other.ended).code).toBe(0);
  expect(heard()).not.toContain('WATCHDOG=1');
  expect(heard()).toContain('READY=1');
});

test('a parent with an IPC channel hears ready', async () => {
  await using world = await programWorld();
  const program = world.start(`
    const { fork } = await import('node:child_process');
    const { writeFileSync } = await import('node:fs');
    const file = new URL('./kid.mjs', import.meta.url).pathname;
    writeFileSync(file, "import { ManagedService } from './sdk.mjs'; class A extends ManagedService { constructor() { super('a'); } async run() { await this.ready(); } } await A.main(); process.disconnect();");
    fork(file).on('message', (message) => say('heard', message));`);
  expect(await program.said('heard')).toBe('ready');
});
