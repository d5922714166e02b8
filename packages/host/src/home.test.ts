import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { homePaths, instanceId, resolveHome, socketFolder } from './home.ts';

const linux = { platform: 'linux', user: '/home/ada', cwd: '/folder' } as const;

test.each([
  [{}, undefined, '/home/ada/.local/state/reeve'],
  [{ XDG_STATE_HOME: '/state' }, undefined, '/state/reeve'],
  [{ XDG_STATE_HOME: 'relative' }, undefined, '/home/ada/.local/state/reeve'],
  [{ XDG_STATE_HOME: '/state', REEVE_HOME: '/r' }, undefined, '/r'],
  [{ REEVE_HOME: 'r/../x' }, undefined, '/folder/x'],
  [{ REEVE_HOME: '' }, undefined, '/home/ada/.local/state/reeve'],
  [{ REEVE_HOME: '/r' }, '/explicit/', '/explicit'],
])('with %j and --home %j the home is %s', (env, explicit, home) => {
  expect(resolveHome(env, explicit, linux)).toBe(home);
});

test('macOS and Windows have their own places', () => {
  expect(resolveHome({}, undefined, { ...linux, platform: 'darwin', user: '/Users/ada' })).toBe(
    '/Users/ada/Library/Application Support/reeve',
  );
  const windows = { platform: 'win32', user: 'C:\\Users\\ada', cwd: 'C:\\work' } as const;
  expect(resolveHome({ LOCALAPPDATA: 'D:\\Local' }, undefined, windows)).toBe('D:\\Local\\reeve');
  expect(resolveHome({}, undefined, windows)).toBe('C:\\Users\\ada\\AppData\\Local\\reeve');
});

test('sockets move to a short folder when a path would exceed 100 bytes, counted in bytes', () => {
  const fits = `/${'h'.repeat(100 - 1 - '/run/0123456789ab.sock'.length)}`;
  expect(socketFolder(fits)).toBe(`${fits}/run`);
  const long = `${fits}h`;
  const key = createHash('sha256').update(long).digest('hex').slice(0, 8);
  expect(socketFolder(long)).toBe(`/tmp/reeve-${process.getuid?.()}-${key}`);
  expect(socketFolder(`/${'é'.repeat(45)}`)).toMatch(/^\/tmp\/reeve-/);
  expect(homePaths(long).controlSocket).toBe(`/tmp/reeve-${process.getuid?.()}-${key}/control.sock`);
  expect(homePaths(long).daemonLock).toBe(`${long}/run/daemon.lock`);
});

test('an instance has an id of 12 hex that tells folder, service and index apart', () => {
  const id = createHash('sha256').update('/p\0web\x001').digest('hex').slice(0, 12);
  expect(instanceId('/p', 'web', 1)).toBe(id);
  expect(new Set([id, instanceId('/p', 'web1', 1), instanceId('/p', 'web', 11), instanceId('/pw', 'eb', 1)]).size).toBe(
    4,
  );
});
