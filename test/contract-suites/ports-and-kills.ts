import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { program } from '../harness/program.ts';
import { type Manager, openManager } from './manager.ts';
import { lives, type Speaker, type World, world } from './speaker.ts';

const isRoot = process.geteuid?.() === 0;

/** Who listens where, and the end of a process, for a library under test. `manager`: a program that takes calls. */
export function portsAndKillsContract(manager: Speaker): void {
  test('U25: a port is in use or not, and its holder is found, whatever the protocol and whichever thread lives', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    for (const [words, protocol, address] of [
      [[], 'tcp', '127.0.0.1'],
      [['udp'], 'udp', '127.0.0.1'],
      [['v6'], 'tcp', '::1'],
      [['dead-main'], 'tcp', '127.0.0.1'],
    ] as const) {
      const { pid, port } = await hold(here, ...words);
      const other = protocol === 'tcp' ? 'udp' : 'tcp';
      expect(await asker.ask('isPortInUse', port)).toBe(true);
      expect(await asker.ask('isPortInUse', port, { protocol: other })).toBe(false);
      const found = await asker.ask('findProcessByPort', port);
      expect(found).toMatchObject({ pid, port, protocol, address, name: expect.stringContaining('python') });
      expect(found).toMatchObject({ command: expect.stringContaining('holds-port.py'), process: { pid } });
      expect(found['user']).toMatch(/./);
      expect(await asker.ask('killProcessOnPort', port)).toMatchObject({ ok: true, reason: 'done' });
      expect(await asker.ask('isPortInUse', port)).toBe(false);
      expect(await asker.ask('findProcessByPort', port)).toBeNull();
      expect(await asker.ask('killProcessOnPort', port)).toMatchObject({ ok: false, reason: 'not_found' });
    }
  });

  test('U25: every process that holds a port is ended with it: several sockets, children, and one that ignores SIGTERM', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const first = await hold(here, 'shared', 'deaf', 'child');
    const second = await hold(here, 'shared', `port=${first.port}`);
    const found = (await asker.ask('findProcessesByPort', first.port)) as unknown as readonly { pid: number }[];
    expect(found).toHaveLength(3);
    expect(found.map(({ pid }) => pid)).toEqual(expect.arrayContaining([first.pid, second.pid]));
    const result = await asker.ask('killProcessOnPort', first.port, { grace: 50 });
    expect(result).toMatchObject({ ok: true, reason: 'done' });
    expect(result['processes']).toContainEqual(
      expect.objectContaining({ pid: first.pid, signals: ['SIGTERM', 'SIGKILL'], left: null }),
    );
    for (const { pid } of found) expect(lives(pid)).toBe(false);
  });

  test('U25: TCP and UDP of one number are distinguished when asked', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const tcp = await hold(here);
    const udp = await hold(here, 'udp', `port=${tcp.port}`);
    expect(await asker.ask('killProcessOnPort', tcp.port, { protocol: 'udp' })).toMatchObject({ ok: true });
    expect([lives(udp.pid), lives(tcp.pid)]).toEqual([false, true]);
  });

  test('U25: never this program, what started it, nor pid 0 and 1: protected, and no process is touched', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const own = await asker.ask('listen');
    const above = createServer().listen(0, '127.0.0.1');
    try {
      await once(above, 'listening');
      const { port } = above.address() as { port: number };
      for (const each of [own, port]) {
        const result = await asker.ask('killProcessOnPort', each, { force: true });
        expect(result).toMatchObject({ ok: false, reason: 'protected', processes: [] });
        expect(result.message).toContain(`port ${each}`);
      }
      for (const pid of [0, 1, -1, 1.5, asker.pid, process.pid])
        expect(await asker.ask('killProcessById', pid)).toMatchObject({
          ok: false,
          reason: 'protected',
          processes: [],
        });
    } finally {
      above.close();
    }
  });

  test('U25: only the very process that was looked up is ended: gone when its pid is another one’s now', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const { pid, port } = await hold(here);
    const found = await asker.ask('findProcessByPort', port);
    const identity = found['process'] as { start: number };
    const { name, command, user } = found;
    const earlier = { pid, name, command, user, process: { ...identity, start: identity.start - 1 } };
    expect(await asker.ask('killProcessById', earlier)).toMatchObject({ ok: false, reason: 'gone' });
    expect(lives(pid)).toBe(true);
    const same = { ...earlier, process: identity };
    expect(await asker.ask('killProcessById', same)).toMatchObject({ ok: true, processes: [{ pid, left: null }] });
    expect(await asker.ask('killProcessById', same)).toMatchObject({ ok: false, reason: 'gone' });
    expect(await asker.ask('killProcessById', pid)).toMatchObject({ ok: false, reason: 'not_found' });
  });

  test.runIf(isRoot)("U25: another user's process is ended by root alone, and only with force", async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const { pid, port } = await hold(here, 'nobody');
    const refused = await asker.ask('killProcessOnPort', port);
    expect(refused).toMatchObject({ ok: false, reason: 'not_permitted', processes: [] });
    expect(refused.message).toMatch(/nobody.*belongs to another user/);
    expect(lives(pid)).toBe(true);
    expect(await asker.ask('killProcessOnPort', port, { force: true })).toMatchObject({ ok: true, reason: 'done' });
  });

  test('U25: an invalid port and what names no process is an error of the call', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    for (const port of [0, -1, 65_536, 1.5, '80']) {
      expect(await asker.fail('isPortInUse', port)).toMatchObject({ code: 'USAGE', exit: 2 });
      expect((await asker.fail('killProcessOnPort', port)).message).toContain('is not a valid port');
    }
    expect(await asker.fail('killProcessById', '12')).toMatchObject({ code: 'USAGE' });
  });
}

/** A program that holds a port (test/programs/holds-port.py). Not a child of the library's. */
export async function hold(here: World, ...words: readonly string[]): Promise<{ pid: number; port: number }> {
  const started = here.start({ name: 'holder', command: program('holds-port', ...words) });
  return holderIn(await started.line(/^open \d+ \d+/));
}

/** The same as a child of `asker`. */
export async function holdBelow(asker: Manager): Promise<{ pid: number; port: number }> {
  await asker.ask('start', program('holds-port'));
  return holderIn(await asker.line(/^open \d+ \d+/));
}

function holderIn(line: string): { pid: number; port: number } {
  const [, pid = 0, port = 0] = line.split(' ').map(Number);
  return { pid, port };
}
