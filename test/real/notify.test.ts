import { spawnSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { EventView, PsView } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { eventsOf, linesOf, serviceOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const isRoot = process.getuid?.() === 0;

/** A service that says what its orders say. */
function notifier(reeve: TestReeve, name: string) {
  const orders = path.join(reeve.folder, `${name}.orders`);
  writeFileSync(orders, '');
  return {
    command: [...reeve.program('notifier', `orders=${orders}`)],
    say: (...lines: readonly string[]) => appendFileSync(orders, lines.map((line) => `${line}\n`).join('')),
  };
}
const daemonPid = async (reeve: TestReeve) => Number((await reeve.json<PsView>(['ps'])).daemon.pid);
const keeperPid = (reeve: TestReeve) => {
  const keeper = reeve.outside().find(({ command }) => /keeper\.(m?js)\b/.test(command));
  if (keeper === undefined) throw new Error('no keeper is seen');
  return keeper.pid;
};
const untilEvent = (reeve: TestReeve, service: string, is: (event: EventView) => boolean) =>
  until(`${service} has told it`, async () => (await eventsOf(reeve, service)).find(is));

describe('sd_notify, as real clients speak it', () => {
  test.skipIf(!has('systemd-notify'))(
    'systemd-notify from a shell: ready, status, and a watchdog (needs the Debian package systemd)',
    async () => {
      await using reeve = startReeve();
      const hang = path.join(reeve.folder, 'hang');
      reeve.file(
        'serve.sh',
        `systemd-notify --ready --status="serving 7 rooms" || exit 9
echo "notify said $?, watchdog $WATCHDOG_USEC"
while ! test -e ${hang}; do systemd-notify WATCHDOG=1; sleep 0.3; done
exec sleep 1000
`,
      );
      const stop = { timeout: '1s' };
      reeve.project({
        services: { web: { command: 'sh serve.sh', ready: 'notify', health: { watchdog: '2s' }, stop } },
      });
      const up = await reeve.run(['up', '-d']);
      expect(up.code, up.stderr).toBe(0);
      const web = await untilService(reeve, 'web', (s) => s.health === 'healthy');
      expect(web).toMatchObject({ state: 'running', ready: true, status: 'serving 7 rooms' });
      expect(await linesOf(reeve, 'web')).toContain('notify said 0, watchdog 2000000');
      expect((await reeve.run(['status', 'web'])).stdout).toMatch(/says +serving 7 rooms/);
      writeFileSync(hang, '');
      const again = await untilService(reeve, 'web', (s) => s.restarts === 1);
      expect(again.exit).toMatchObject({ cause: 'watchdog' });
      const unhealthy = await untilEvent(reeve, 'web', (e) => e.event === 'service.unhealthy');
      expect(unhealthy).toMatchObject({
        message: expect.stringContaining('no WATCHDOG=1 for 2s'),
        data: { by: 'watchdog' },
      });
    },
  );

  test("Python's socket module: readiness, status, and what is not for it is ignored", async () => {
    await using reeve = startReeve();
    const web = notifier(reeve, 'web');
    reeve.project({ services: { web: { command: web.command, ready: 'notify' } } });
    const up = await reeve.run(['up', '-d', '--no-wait']);
    expect(up.code, up.stderr).toBe(0);
    await untilService(reeve, 'web', (s) => s.reason === 'it has not sent READY=1 to NOTIFY_SOCKET yet');
    web.say('send STATUS=loading 3 of 9\\nX_UNKNOWN=1\\nrubbish');
    await untilService(reeve, 'web', (s) => s.reason?.includes('loading 3 of 9') === true);
    web.say('send READY=1\\nSTATUS=all 9 loaded');
    await untilService(reeve, 'web', (s) => s.state === 'running' && s.status === 'all 9 loaded');
    web.say('send RELOADING=1', 'send READY=1', 'send STOPPING=1', 'send ERRNO=5', 'send STATUS=');
    await untilService(reeve, 'web', (s) => s.status === null);
    const told = (await eventsOf(reeve, 'web')).map((e) => e.event);
    for (const event of ['service.reloading', 'service.reloaded', 'service.stopping_itself', 'service.error_told'])
      expect(told).toContain(event);
    expect((await serviceOf(reeve, 'web')).restarts).toBe(0);
  });

  test.skipIf(!has('cc'))('a C program (needs cc)', async () => {
    await using reeve = startReeve();
    reeve.file(
      'client.c',
      `#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strncpy(a.sun_path, getenv("NOTIFY_SOCKET"), sizeof a.sun_path - 1);
  int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const char *text = "READY=1\\nSTATUS=from C";
  sendto(s, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a);
  for (;;) pause();
}
`,
    );
    const built = spawnSync('cc', ['-o', 'client', 'client.c'], { cwd: reeve.folder, encoding: 'utf8' });
    expect(built.stderr).toBe('');
    reeve.project({ services: { c: { command: './client', ready: 'notify' } } });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    expect(await serviceOf(reeve, 'c')).toMatchObject({ state: 'running', status: 'from C' });
  });

  test.runIf(isRoot)('a service of another user', async () => {
    await using reeve = startReeve();
    const web = notifier(reeve, 'web');
    web.say('send READY=1');
    reeve.project({ services: { web: { command: web.command, ready: 'notify', user: 'nobody', cwd: '/' } } });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    expect((await serviceOf(reeve, 'web')).state).toBe('running');
  });

  test('EXTEND_TIMEOUT_USEC gives a slow start the time it asks for; without it the limit holds', async () => {
    await using reeve = startReeve();
    const asks = notifier(reeve, 'asks');
    const silent = notifier(reeve, 'silent');
    asks.say('send EXTEND_TIMEOUT_USEC=60000000');
    const ready = { notify: true, timeout: '2s' };
    reeve.project({
      services: {
        asks: { command: asks.command, ready, restart: 'never' },
        silent: { command: silent.command, ready, restart: 'never' },
      },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    const failed = await untilService(reeve, 'silent', (s) => s.state === 'failed');
    expect(failed.reason).toContain('not ready within 2s');
    expect((await serviceOf(reeve, 'asks')).state).toBe('starting');
    asks.say('send READY=1');
    await untilService(reeve, 'asks', (s) => s.state === 'running');
  });
});

describe('health by what a service says and writes', () => {
  test('X_REEVE_HEALTH counts at once without a declared check; WATCHDOG=trigger is acted on', async () => {
    await using reeve = startReeve();
    const alert = notifier(reeve, 'alert');
    const again = notifier(reeve, 'again');
    const dog = notifier(reeve, 'dog');
    reeve.project({
      services: {
        alert: { command: alert.command, on_unhealthy: 'alert' },
        again: { command: again.command },
        dog: { command: dog.command, health: { watchdog: '60s' } },
      },
    });
    dog.say('send WATCHDOG=1'); // its first ping makes it ready
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    alert.say('send X_REEVE_HEALTH=unhealthy:the queue is full');
    const sick = await untilService(reeve, 'alert', (s) => s.health === 'unhealthy');
    expect(sick).toMatchObject({ state: 'running', restarts: 0 });
    expect(sick.instances[0]?.health_history.at(-1)).toMatchObject({
      ok: false,
      what: 'it says that it is unhealthy: the queue is full',
      ms: null,
    });
    alert.say('send X_REEVE_HEALTH=healthy');
    await untilService(reeve, 'alert', (s) => s.health === 'healthy');
    again.say('send X_REEVE_HEALTH=unhealthy');
    expect((await untilService(reeve, 'again', (s) => s.restarts > 0)).exit).toMatchObject({ cause: 'health' });
    dog.say('send WATCHDOG=trigger');
    expect((await untilService(reeve, 'dog', (s) => s.restarts > 0)).exit).toMatchObject({ cause: 'watchdog' });
  });

  test('a log line makes it healthy; as long as none comes, each interval is a failure', async () => {
    await using reeve = startReeve();
    const health = { log: 'all is we[l]l', interval: '200ms', retries: 2, start_period: '0' };
    const plain = { ready: { delay: '10ms' }, on_unhealthy: 'alert' };
    reeve.project({
      services: {
        says: { command: 'echo all is well; exec sleep 1000', health, ...plain },
        silent: { command: 'echo nothing to say; exec sleep 1000', health, ...plain },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    await untilService(reeve, 'says', (s) => s.health === 'healthy');
    const silent = await untilService(reeve, 'silent', (s) => s.health === 'unhealthy');
    expect(silent.instances[0]?.health_history.at(-1)?.what).toBe('no line matches /all is we[l]l/ yet');
    expect((await serviceOf(reeve, 'says')).health).toBe('healthy');
  });
});

describe('MAINPID', () => {
  test('moves the main process to another one of the service, and its end is the end of the run', async () => {
    await using reeve = startReeve();
    const web = notifier(reeve, 'web');
    reeve.project({ services: { web: { command: web.command, ready: 'notify', restart: 'never' } } });
    web.say('send READY=1');
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const first = (await serviceOf(reeve, 'web')).pid;
    web.say('hand-over');
    await until('the first has ended', () => !reeve.outside().some(({ pid }) => pid === first));
    const moved = await untilService(reeve, 'web', (s) => s.pid !== first);
    expect(moved).toMatchObject({ state: 'running', restarts: 0 });
    expect(await untilEvent(reeve, 'web', (e) => e.event === 'service.main_changed')).toBeDefined();
    // A daemon that takes over knows it too.
    process.kill(await daemonPid(reeve), 'SIGKILL');
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'web')).toMatchObject({ state: 'running', pid: moved.pid });
    process.kill(moved.pid ?? 0, 'SIGTERM');
    const ended = await untilService(reeve, 'web', (s) => s.state === 'failed');
    expect(ended.exit).toMatchObject({ kind: 'signal', signal: 'SIGTERM' });
  });

  test('PI4: of no process, of init, of rubbish and of a stranger is ignored, and that is reported', async () => {
    await using reeve = startReeve();
    const web = notifier(reeve, 'web');
    reeve.project({ services: { web: { command: web.command, ready: 'notify' } } });
    web.say('send READY=1');
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid } = await serviceOf(reeve, 'web');
    for (const value of ['0', '1', '-1', '12abc', '', String(process.pid), String(await daemonPid(reeve))])
      web.say(`send MAINPID=${value}`);
    await until('all are reported', async () => {
      const ignored = (await eventsOf(reeve, 'web')).filter((e) => e.event === 'service.notify_ignored');
      return ignored.length === 7;
    });
    expect(await serviceOf(reeve, 'web')).toMatchObject({ state: 'running', pid, restarts: 0 });
    expect((await reeve.run(['stop', 'web'])).code).toBe(0); // and this test still lives
  });
});

describe('readiness by descriptor and by Node channel', () => {
  test('each in its own way, with what is lacking until then', async () => {
    await using reeve = startReeve();
    const go = path.join(reeve.folder, 'go');
    reeve.file(
      'ipc.mjs',
      `import { existsSync } from 'node:fs';
const timer = setInterval(() => { if (existsSync(${JSON.stringify(go)})) { process.send(process.argv[2] === 'object' ? { type: 'ready' } : 'ready'); clearInterval(timer); } }, 20);
setInterval(() => {}, 1000);
`,
    );
    const waits = `until test -e ${go}; do sleep 0.05; done`;
    const node = process.execPath;
    reeve.project({
      services: {
        fd: { command: `${waits}; echo >&3; exec sleep 1000`, ready: { fd: 3 } },
        far: {
          command: `exec python3 -c 'import os,time; os.write(77, b"x\\n"); time.sleep(1000)'`,
          ready: { fd: 77 },
        },
        word: { command: [node, 'ipc.mjs', 'word'], ready: 'ipc' },
        object: { command: [node, 'ipc.mjs', 'object'], ready: 'ipc' },
        closes: { command: 'exec sleep 1000 3>&-', ready: { fd: 3, timeout: '1s' }, restart: 'never' },
      },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    await untilService(reeve, 'fd', (s) => s.reason?.includes('newline') === true);
    await untilService(reeve, 'word', (s) => s.reason?.includes("process.send('ready')") === true);
    writeFileSync(go, '');
    for (const name of ['fd', 'far', 'word', 'object']) await untilService(reeve, name, (s) => s.state === 'running');
    const closed = await untilService(reeve, 'closes', (s) => s.state === 'failed');
    expect(closed.reason).toContain('closed its readiness descriptor without a newline');
  });
});

describe('when a program dies meanwhile', () => {
  test('what is said while no daemon runs is honoured by the next one', async () => {
    await using reeve = startReeve();
    const web = notifier(reeve, 'web');
    const go = path.join(reeve.folder, 'go');
    const fd = `until test -e ${go}; do sleep 0.05; done; echo >&3; exec sleep 1000`;
    reeve.project({
      services: { web: { command: web.command, ready: 'notify' }, fd: { command: fd, ready: { fd: 3 } } },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    const { pid } = await untilService(reeve, 'web', (s) => s.state === 'starting' && s.pid !== null);
    process.kill(await daemonPid(reeve), 'SIGKILL');
    web.say('send READY=1\\nSTATUS=said unheard');
    writeFileSync(go, '');
    await until(
      'it is written down',
      () => spawnSync('grep', ['-q', 'said unheard', `${reeve.home}/keeper/journal.ndjson`]).status === 0,
    );
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    await untilService(reeve, 'web', (s) => s.state === 'running');
    await untilService(reeve, 'fd', (s) => s.state === 'running');
    expect(await serviceOf(reeve, 'web')).toMatchObject({ pid, restarts: 0, status: 'said unheard' });
    // And the one after that remembers what it did not hear itself.
    process.kill(await daemonPid(reeve), 'SIGKILL');
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'web')).toMatchObject({ state: 'running', pid, status: 'said unheard' });
  });

  test('a keeper that is killed is replaced, and the service is heard again at the same socket', async () => {
    await using reeve = startReeve();
    const web = notifier(reeve, 'web');
    reeve.project({ services: { web: { command: web.command, ready: 'notify', health: { watchdog: '5s' } } } });
    await reeve.run(['up', '-d', '--no-wait']);
    const { pid } = await untilService(reeve, 'web', (s) => s.state === 'starting' && s.pid !== null);
    const keeper = keeperPid(reeve);
    process.kill(keeper, 'SIGKILL');
    // What lies unread in the socket of a dying keeper is lost, as it is with systemd.
    await until('it is dead', () => !reeve.outside().some((each) => each.pid === keeper));
    web.say('send READY=1', 'pings 0.3');
    const running = await untilService(reeve, 'web', (s) => s.state === 'running' && s.health === 'healthy');
    expect(running).toMatchObject({ pid, restarts: 0 });
  });
});
