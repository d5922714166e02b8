import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Channels, type JournalRecord, NO_CHANNELS, type SpawnRequest } from '@reeve/contract';
import { homePaths, notifySocket } from '@reeve/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestKeeper } from '../../../../../test/harness/keeper.ts';
import { until } from '../../../../../test/harness/until.ts';

let keeper: TestKeeper;
beforeEach(async () => {
  keeper = await TestKeeper.start();
});
afterEach(() => keeper[Symbol.asyncDispose]());

const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
const isRoot = process.getuid?.() === 0;
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
type Kind<K> = Extract<JournalRecord, { readonly kind: K }>;

function recordsOf<K extends JournalRecord['kind']>(kind: K, run: string): readonly Kind<K>[] {
  return keeper.records.filter((record): record is Kind<K> => record.kind === kind && record.run === run);
}
const notified = (run: string) => recordsOf('notified', run).map(({ text }) => text);

let runs = 0;
/** A run of this name, with a notify socket that its environment names. */
function withNotify(change: Partial<SpawnRequest> = {}): Partial<SpawnRequest> & { readonly channels: Channels } {
  runs += 1;
  const id = runs.toString(16).padStart(12, 'a');
  const run = `${runs.toString(16).padStart(12, '0')}-notify`;
  const notify = notifySocket(homePaths(keeper.home), { id, run, isOtherUser: change.user != null });
  const env = { PATH, NOTIFY_SOCKET: notify, ...change.env };
  return { id, run, channels: { ...NO_CHANNELS, notify }, ...change, env };
}
const python = (code: string) => ['python3', '-c', `import os, socket, time\n${code}`];
const OPEN =
  's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ["NOTIFY_SOCKET"])\nsend = s.send\n';

describe('sd_notify, as its clients speak it', () => {
  test.skipIf(!has('systemd-notify'))(
    'systemd-notify: READY, STATUS, and a BARRIER that is answered (needs the Debian package systemd)',
    async () => {
      const script = 'systemd-notify --ready --status="up and well"; echo $?; systemd-notify WATCHDOG=1; echo $?';
      const { run, id, ended } = await keeper.run(['sh', '-c', script], withNotify());
      expect(ended.exit.code).toBe(0);
      expect(keeper.log(id)).toBe('0\n0\n');
      const lines = notified(run).join('\n').split('\n');
      expect(lines).toEqual(expect.arrayContaining(['READY=1', 'STATUS=up and well', 'BARRIER=1', 'WATCHDOG=1']));
    },
  );

  test("Python's socket module: each datagram is a record, in order, before the end of the run", async () => {
    const { run, ended } = await keeper.run(
      python(`${OPEN}send(b"READY=1\\nMAINPID=%d" % os.getpid())\nsend(b"STATUS=caf\\xc3\\xa9\\n")`),
      withNotify(),
    );
    const [ready, status] = recordsOf('notified', run);
    expect(ready?.text).toMatch(/^READY=1\nMAINPID=\d+$/);
    expect(status).toMatchObject({ text: 'STATUS=café', lost: 0 });
    expect(ended.seq).toBeGreaterThan(status?.seq ?? 0);
  });

  test.skipIf(!has('cc'))('a C program (needs cc)', async () => {
    const source = path.join(keeper.home, 'client.c');
    writeFileSync(
      source,
      `#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strncpy(a.sun_path, getenv("NOTIFY_SOCKET"), sizeof a.sun_path - 1);
  int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const char *text = "READY=1\\nSTATUS=from C";
  return sendto(s, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a) < 0;
}`,
    );
    const built = spawnSync('cc', ['-o', `${source}.out`, source], { encoding: 'utf8' });
    expect(built.stderr).toBe('');
    const { run, ended } = await keeper.run([`${source}.out`], withNotify());
    expect(ended.exit.code).toBe(0);
    expect(notified(run)).toEqual(['READY=1\nSTATUS=from C']);
  });

  test('an empty datagram, one that is too long and one that is not text do no harm, and are counted', async () => {
    const code = `${OPEN}send(b"")\nsend(b"A=1")\nsend(b"x" * 20000)\nsend(b"\\xff\\xfe")\nsend(b"")\nsend(b"B=2")`;
    const { run } = await keeper.run(python(code), withNotify());
    expect(recordsOf('notified', run).map(({ text, lost }) => [text, lost])).toEqual([
      ['A=1', 0],
      ['B=2', 2],
    ]);
  });

  test('after a file descriptor was sent along nothing of it stays with the keeper', async () => {
    const fds = () => readdirSync(`/proc/${keeper.link.pid}/fd`).length;
    const before = fds();
    const code = `${OPEN}import array
for n in range(20):
  r, w = os.pipe()
  s.sendmsg([b"FDSTORE=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
  os.close(w)
  assert os.read(r, 1) == b""
  os.close(r)`;
    const { run, ended } = await keeper.run(python(code), withNotify());
    expect(ended.exit.code).toBe(0);
    await keeper.link.release(run);
    await until('the sockets of the run are closed', () => fds() <= before);
  });

  test('a storm is merged, not dropped: the last of every key is reported', async () => {
    const code = `${OPEN}send(b"READY=1")
for n in range(3000): send(b"STATUS=%d\\nWATCHDOG=1" % n)
send(b"STATUS=last")`;
    const { run } = await keeper.run(python(code), withNotify());
    const texts = notified(run);
    expect(texts.length).toBeLessThan(200);
    expect(texts[0]).toBe('READY=1');
    expect(texts.at(-1)?.split('\n')).toContain('STATUS=last');
  });

  test('the socket is there before the process and goes with the run; only its user can reach it', async () => {
    const change = withNotify();
    const file = change.channels.notify ?? '';
    const { run } = await keeper.run(['sh', '-c', 'test -S "$NOTIFY_SOCKET"'], change);
    expect((await keeper.ended(run)).exit.code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await keeper.link.release(run);
    await until('it is gone', () => !existsSync(file));
  });

  test.runIf(isRoot)('a service of another user gets it in a folder of its own, which goes with it', async () => {
    const id = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
    const user = { name: 'nobody', uid: id('-u'), gid: id('-g') };
    const change = withNotify({ user, cwd: '/' });
    const file = change.channels.notify ?? '';
    expect(file).toMatch(/^\/run\/reeve\/[0-9a-f]{8}\/[0-9a-f]{12}\//);
    const { run, ended } = await keeper.run(
      python(`${OPEN}send(b"READY=1")\nos.remove(os.environ["NOTIFY_SOCKET"])`),
      change,
    );
    expect(ended.exit.code).toBe(1); // it may write into it, and not replace it
    expect(notified(run)).toEqual(['READY=1']);
    const folder = statSync(path.dirname(file));
    expect([folder.mode & 0o777, folder.uid, folder.gid]).toEqual([0o750, 0, user.gid]);
    await keeper.link.release(run);
    await until('its folder is gone', () => !existsSync(path.dirname(path.dirname(file))));
  });

  test('HC9: what is sent to the path of an older run reaches no newer one', async () => {
    const old = await keeper.run(['true'], withNotify());
    const next = await keeper.spawn(['sleep', '1000'], withNotify());
    const stale = old.channels?.notify ?? '';
    await keeper.run(python(`${OPEN}send(b"READY=1")`), { env: { PATH, NOTIFY_SOCKET: stale } });
    await until('it is reported', () => notified(old.run).length === 1);
    expect(notified(next.run)).toEqual([]);
    await keeper.link.release(old.run);
    await until('its socket is gone', () => !existsSync(stale));
    const { ended } = await keeper.run(python(`${OPEN}send(b"READY=1")`), { env: { PATH, NOTIFY_SOCKET: stale } });
    expect(ended.exit.code).toBe(1);
    expect(notified(next.run)).toEqual([]);
  });

  test('a keeper that comes after another binds the same path again, and forgets the sockets of no one', async () => {
    const change = withNotify();
    const go = path.join(keeper.home, 'go');
    const wait = `while not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)\n`;
    const { run } = await keeper.spawn(python(`${wait}${OPEN}send(b"READY=1")`), change);
    await keeper.kill();
    const nobodys = path.join(homePaths(keeper.home).sockets, 'ffffffffffff.ntfy');
    writeFileSync(nobodys, '');
    await keeper.connect();
    writeFileSync(go, '');
    await until('it is reported', () => notified(run).length === 1);
    expect(existsSync(nobodys)).toBe(false);
    await keeper.ended(run);
  });

  test('what was said while no daemon was there is reported to the next one, and weeks of pings are one record', async () => {
    const go = path.join(keeper.home, 'go');
    const said = path.join(keeper.home, 'said');
    const { run } = await keeper.spawn(
      python(`while not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)
${OPEN}send(b"READY=1")
for n in range(60): send(b"WATCHDOG=1")
open(${JSON.stringify(said)}, "w")
time.sleep(1000)`),
      withNotify(),
    );
    await until('the start is reported', () => recordsOf('spawned', run).length === 1);
    const since = keeper.records.at(-1)?.seq ?? 0;
    keeper.link.close();
    writeFileSync(go, '');
    await until('all is said', () => existsSync(said));
    await keeper.connect(since);
    await until('it is reported', () => notified(run).includes('WATCHDOG=1'));
    const fresh = keeper.records.filter(({ seq, kind }) => seq > since && kind === 'notified');
    expect(notified(run)[0]).toBe('READY=1');
    expect(fresh.length).toBeLessThan(6); // the last ping of those that were kept, and what came since
  });
});

describe('the readiness descriptor', () => {
  const channels = (ready_fd: number): Channels => ({ ...NO_CHANNELS, ready_fd });

  test.each([
    [3, {}],
    [5, { umask: 0, nice: 1 }],
    [9, { nice: 1 }],
    [200, { nice: 1 }],
  ])('a newline on %i means ready', async (fd, change) => {
    const { run, ended } = await keeper.run(
      python(`os.write(${fd}, b"al")\nos.write(${fd}, b"most\\n")\nos.close(${fd})\ntime.sleep(0.2)`),
      { ...change, channels: channels(fd) },
    );
    expect(ended.exit.code).toBe(0);
    expect(recordsOf('ready_fd', run).map(({ ready }) => ready)).toEqual([true]);
  });

  test('closed without one, it will never be ready', async () => {
    const { run } = await keeper.spawn(['sh', '-c', 'exec 4>&-; sleep 1000'], { channels: channels(4) });
    await until('it is reported', () => recordsOf('ready_fd', run).length === 1);
    expect(recordsOf('ready_fd', run)[0]?.ready).toBe(false);
  });

  test("a keeper's death costs it nothing: no SIGPIPE, and the next one hears the newline", async () => {
    const go = path.join(keeper.home, 'go');
    const script = `until test -e ${go}; do sleep 0.05; done; echo >&3; sleep 1000`;
    const { run } = await keeper.spawn(['sh', '-c', script], { channels: channels(3) });
    await keeper.kill();
    writeFileSync(go, '');
    await keeper.connect();
    await until('it is reported', () => recordsOf('ready_fd', run).some(({ ready }) => ready));
  });
});

describe("Node's channel", () => {
  const channels: Channels = { ...NO_CHANNELS, ipc: true };
  const node = (code: string) => [process.execPath, '-e', code];

  test.each([
    ['directly', {}],
    ['through a wrapper', { nice: 1 }],
  ])('process.send works, %s', async (_way, change) => {
    const code = 'process.send("ready"); process.send({ type: "ready", n: 1 }, () => process.disconnect())';
    const { run, ended } = await keeper.run(node(code), { ...change, channels });
    expect(ended.exit.code).toBe(0);
    await until('its end is reported', () => recordsOf('ipc', run).length === 3);
    expect(recordsOf('ipc', run).map(({ message }) => message)).toEqual(['ready', { type: 'ready', n: 1 }, undefined]);
  });

  test('a handle that is sent along is dropped, and what is sent after it arrives', async () => {
    const code = `const s = require('net').createServer().listen(0, '127.0.0.1', () => {
      process.send('with', s); process.send('after', () => process.exit(0)); })`;
    const { run, ended } = await keeper.run(node(code), { channels });
    expect(ended.exit.code).toBe(0);
    await until('it is reported', () => recordsOf('ipc', run).some(({ message }) => message === 'after'));
  });

  test('a flood is counted, and does not become a flood of records', async () => {
    const code =
      'process.send("x".repeat(50000)); for (let n = 0; n < 4999; n++) process.send({ n }, () => n === 4998 && process.exit(0))';
    const { run } = await keeper.run(node(code), { channels });
    await until('the end is reported', () => recordsOf('ipc', run).some((record) => !('message' in record)));
    const all = recordsOf('ipc', run);
    expect(all.length).toBeLessThan(500);
    expect(all.reduce((sum, { lost }) => sum + lost, 0) + all.length).toBeGreaterThanOrEqual(5000);
  });
});

describe('listening sockets', () => {
  const hold = async (key: string, port = 0, host = '127.0.0.1') =>
    (await keeper.link.hold({ key, host, port, backlog: null })).port;
  const answerer = `
import sys
l = socket.socket(fileno=3)
c, _ = l.accept()
c.sendall(("%s %s %s %s" % (sys.argv[1], os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"], os.environ["LISTEN_PID"] == str(os.getpid()))).encode())
c.close()`;
  const ask = (port: number, host = '127.0.0.1') =>
    new Promise<string>((resolve, reject) => {
      let text = '';
      connect(port, host)
        .on('data', (chunk) => {
          text += chunk.toString();
        })
        .on('close', () => resolve(text))
        .on('error', reject);
    });

  test('are handed over as LISTEN_FDS has it, and connections wait while no service accepts them', async () => {
    const port = await hold('web');
    const channels = { ...NO_CHANNELS, listen: [{ key: 'web', name: 'http' }] };
    const early = ask(port);
    await keeper.run([...python(answerer), 'first'], { channels });
    expect(await early).toBe('first 1 http True');
    const between = ask(port);
    await keeper.run([...python(answerer), 'second'], { channels, nice: 1 });
    expect(await between).toBe('second 1 http True');
  });

  test('IPv6 too, beside a readiness descriptor and a Node channel', async () => {
    const port = await hold('six', 0, '::1');
    const channels = { notify: null, ready_fd: 5, ipc: true, listen: [{ key: 'six', name: 's' }] };
    const answer = ask(port, '::1');
    const code = `${answerer}\nos.write(5, b"\\n")\nos.write(int(os.environ["NODE_CHANNEL_FD"]), b'"hello"\\n')`;
    const { run } = await keeper.run([...python(code), 'x'], { channels });
    expect(await answer).toBe('x 1 s True');
    await until('both are reported', () => recordsOf('ipc', run).length > 0 && recordsOf('ready_fd', run).length > 0);
    expect(recordsOf('ipc', run)[0]?.message).toBe('hello');
  });

  test('the same key is the same socket; another address, a taken port and a wrong address are refused', async () => {
    const port = await hold('a');
    expect(await hold('a')).toBe(port);
    expect(keeper.link.pid).toBeGreaterThan(1);
    await expect(hold('b', port)).rejects.toThrow(/EADDRINUSE/);
    await expect(hold('a', port === 1 ? 2 : 1)).rejects.toThrow(/already/);
    await expect(hold('c', 0, '999.1.1.1')).rejects.toThrow(/not an IP address/);
    expect(await keeper.link.drop('a')).toBe(true);
    expect(await keeper.link.drop('a')).toBe(false);
    expect(await hold('b', port)).toBe(port);
  });

  test('what does not go together is refused with the way out', async () => {
    await hold('a');
    const channels = { ...NO_CHANNELS, ready_fd: 3, listen: [{ key: 'a', name: '' }] };
    await expect(keeper.spawn(['true'], { channels })).rejects.toThrow(/fd: 4/);
    const unknown = { ...NO_CHANNELS, listen: [{ key: 'nobody', name: '' }] };
    await expect(keeper.spawn(['true'], { channels: unknown })).rejects.toThrow(/nobody/);
  });
});

test('a spawn that fails leaves none of its channels behind', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'reeve-n-'));
  try {
    chmodSync(folder, 0o700);
    const notify = path.join(folder, 'x.ntfy');
    const channels = { ...NO_CHANNELS, notify, ready_fd: 3, ipc: true };
    await expect(keeper.spawn(['/no/such/program'], { channels })).rejects.toThrow();
    await expect(keeper.spawn(['true'], { channels: { ...channels, notify: '/no/such/folder/x' } })).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(path.join(keeper.home, 'fifo')).filter((name) => !name.startsWith('reports.'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without the binding there are no sockets, which is said before and refused; the other channels work', async () => {
  await keeper[Symbol.asyncDispose]();
  keeper = await TestKeeper.start({ binding: false });
  expect(keeper.link.noSockets).toMatch(/koffi/);
  await expect(keeper.spawn(['true'], withNotify())).rejects.toThrow(/no socket can be made for it: koffi/);
  await expect(keeper.link.hold({ key: 'a', host: '127.0.0.1', port: 0, backlog: null })).rejects.toThrow(/koffi/);
  const channels = { ...NO_CHANNELS, ready_fd: 3, ipc: true };
  const code = 'require("fs").writeSync(3, "\\n"); process.send("ready", () => process.exit(0))';
  const { run } = await keeper.run([process.execPath, '-e', code], { channels });
  await until('both are reported', () => recordsOf('ipc', run).length > 0 && recordsOf('ready_fd', run).length > 0);
  expect(recordsOf('ready_fd', run)[0]?.ready).toBe(true);
  expect(recordsOf('ipc', run)[0]?.message).toBe('ready');
});
