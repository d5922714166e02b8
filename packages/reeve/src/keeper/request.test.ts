import { expect, test } from 'vitest';
import { numberOf, parseRequest } from './request.ts';

const spawn = {
  run: 'r-1',
  id: '0123456789ab',
  argv: ['true'],
  cwd: '/',
  env: { A: '' },
  user: null,
  umask: 0o22,
  nice: -5,
  limits: { nofile: 10 },
  cgroup: null,
  mark: 2 ** 52 + 1,
  logs: { folder: '/l', rotation: { max_size: 1, max_files: 1, max_age: null, compress: true } },
  channels: { notify: '/n', ready_fd: 3, ipc: true, listen: [{ key: 'web 80', name: 'http' }] },
};
const line = (change: object) => JSON.stringify({ id: 7, do: 'spawn', spawn: { ...spawn, ...change } });

test('a complete request is taken as it is, without what is not known', () => {
  expect(parseRequest(line({ extra: 1 }))).toEqual({ id: 7, request: { do: 'spawn', spawn } });
  expect(parseRequest('{"id":0,"do":"hello","protocol":1,"since":4}')).toEqual({
    id: 0,
    request: { do: 'hello', protocol: 1, since: 4 },
  });
});

test('a daemon that is process 1 of a container says hello as any other', () => {
  const hello = { do: 'hello', protocol: 1, since: 0, pid: 1 };
  expect(parseRequest(JSON.stringify({ id: 0, ...hello }))).toEqual({ id: 0, request: hello });
});

test.each([
  [{ channels: { ...spawn.channels, ready_fd: 2 } }, 'ready_fd'],
  [{ channels: { ...spawn.channels, notify: `/${'x'.repeat(107)}` } }, 'notify'],
  [{ channels: { ...spawn.channels, listen: [{ key: 'k', name: 'a:b' }] } }, 'name'],
  [{ run: '../x' }, 'run'],
  [{ run: 'x'.repeat(101) }, 'run'],
  [{ id: 'ABCDEF012345' }, 'id'],
  [{ argv: [] }, 'argv'],
  [{ argv: ['a\0b'] }, 'argv'],
  [{ argv: [''] }, 'argv'],
  [{ argv: 'true' }, 'argv'],
  [{ cwd: 'relative' }, 'cwd'],
  [{ env: { 'A=B': 'x' } }, 'env'],
  [{ env: { A: 1 } }, 'env'],
  [{ env: null }, 'env'],
  [{ user: { name: 'x', uid: -1, gid: 0 } }, 'uid'],
  [{ umask: 0o1000 }, 'umask'],
  [{ mark: 1000 }, 'mark'],
  [{ mark: 2 ** 53 }, 'mark'],
  [{ mark: '4503599627370497' }, 'mark'],
  [{ nice: 0.5 }, 'nice'],
  [{ limits: { '--x': 1 } }, 'limits'],
  [{ limits: { core: -1 } }, 'core'],
  [{ cgroup: 'x' }, 'cgroup'],
  [{ logs: { folder: '/x' } }, 'logs'],
  [{ logs: { folder: '/x', rotation: { max_size: 0 } } }, 'max_size'],
])('%j is refused, naming the field', (change, field) => {
  expect(() => parseRequest(line(change))).toThrow(
    expect.objectContaining({ code: 'BAD_REQUEST', message: expect.stringContaining(field) }),
  );
});

test.each(['', '{', 'null', '[]', '7', '{"do":"leave"}', '{"id":1}', '{"id":1,"do":"fly"}', '{"id":1,"do":"release"}'])(
  '%j is refused',
  (text) => {
    expect(() => parseRequest(text)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  },
);

test('the sender of a bad request gets an error under its number', () => {
  expect(numberOf('{"id":12,"do":"fly"}')).toBe(12);
  expect(numberOf('{"id":"x"}')).toBe(-1);
  expect(numberOf('{')).toBe(-1);
});
