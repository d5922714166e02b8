import type { CommandSpec, HttpCheck, ServiceSpec } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { stringCommand, wordsCommand } from './command-line.ts';
import { reeveVariables } from './environment.ts';
import { type ResolveInput, resolveService } from './resolve.ts';
import { testSpec } from './test-spec.ts';

const spec = (over: Partial<ServiceSpec> = {}) => testSpec({ command: wordsCommand(['node', 'x.js']), ...over });
const input = (over: Partial<ServiceSpec> = {}, more: Partial<ResolveInput> = {}): ResolveInput => ({
  spec: spec(over),
  project: { name: 'shop', folder: '/p', env: {} },
  files: { project: [], service: [] },
  base: {},
  ports: [],
  instance: 0,
  reeve: reeveVariables({
    home: '/h',
    project: 'shop',
    folder: '/srv/shop',
    service: 'web',
    instance: 0,
    run: 'r',
    socket: '/s',
  }),
  user: null,
  secrets: {},
  ...more,
});
function resolved(over: Partial<ServiceSpec>, more: Partial<ResolveInput> = {}) {
  const result = resolveService(input(over, more));
  if (!result.ok) throw new Error(result.problems.join('; '));
  return result.service;
}
const command = (text: string): CommandSpec => stringCommand(text, null) as CommandSpec;

describe('a command', () => {
  test('in words: a value with blanks stays one word', () => {
    expect(resolved({ command: wordsCommand(['a', '${X}']), env: { X: 'b c; d' } }).argv).toEqual(['a', 'b c; d']);
  });
  test('as text: values are replaced before it is split', () => {
    expect(resolved({ command: command('a ${X}'), env: { X: 'b c' } }).argv).toEqual(['a', 'b', 'c']);
  });
  test('as text: a value with shell syntax brings it to the shell', () => {
    expect(resolved({ command: command('a ${X}'), env: { X: '*.js' } }).argv).toEqual(['/bin/sh', '-c', 'a *.js']);
  });
  test('for the shell: replaced in the script', () => {
    expect(resolved({ command: command('a ${X} && b $X'), env: { X: '1' } }).argv).toEqual([
      '/bin/sh',
      '-c',
      'a 1 && b $X',
    ]);
  });
  test('a value that leaves a quote open is told', () => {
    expect(resolveService(input({ command: command('a ${X}'), env: { X: "it's" } }))).toEqual({
      ok: false,
      problems: ["command: the quote ' is not closed"],
    });
  });
  test('what nothing answers is told with its place', () => {
    expect(resolveService(input({ command: command('a ${GONE}') }))).toEqual({
      ok: false,
      problems: ['command: ${GONE} is not known'],
    });
    expect(resolveService(input({ env: { A: '${GONE}' } }))).toEqual({
      ok: false,
      problems: ['env.A: ${GONE} is not known'],
    });
  });
});

describe('folders and checks', () => {
  test('a working folder from a variable may be relative to the project', () => {
    expect(resolved({ cwd: '${D}/x', env: { D: '/abs' } }).cwd).toBe('/abs/x');
    expect(resolved({ cwd: '${D}/x', env: { D: 'rel' } }).cwd).toBe('/p/rel/x');
  });

  const ports = [
    { name: 'dns', port: null, protocol: 'udp' as const },
    { name: 'http', port: 8080, protocol: 'tcp' as const },
  ].map((port) => ({ ...port, port: port.port ?? 53, shared: false }));
  const leased = ports.map(({ name, port, protocol }) => ({ name, port: port + 1, protocol }));
  const health = (check: Extract<ServiceSpec['health'], object>['check']) => ({
    check,
    interval: 1,
    timeout: 1,
    retries: 1,
    successes: 1,
    start_period: 0,
  });

  test('a /path is asked on the first TCP port of the instance', () => {
    const check: HttpCheck = { kind: 'http', url: '/healthz', status: [[200, 399]], body: 'v${V}' };
    const service = resolved({ ports, health: health(check), env: { V: '1' } }, { ports: leased, instance: 1 });
    expect(service.health?.check).toMatchObject({ url: 'http://127.0.0.1:8081/healthz', body: 'v1' });
  });
  test('a declared port in a tcp check means the port of the instance; another stays', () => {
    const check = (address: string) =>
      resolved({ ports, ready: { kind: 'tcp', address } }, { ports: leased, instance: 1 }).ready;
    expect(check('8080')).toEqual({ kind: 'tcp', address: '8081' });
    expect(check('${ports.http}')).toEqual({ kind: 'tcp', address: '8081' });
    expect(check('9999')).toEqual({ kind: 'tcp', address: '9999' });
    expect(check('db:8080')).toEqual({ kind: 'tcp', address: 'db:8080' });
  });
  test('a check by command and by log line has its values', () => {
    expect(
      resolved({ ready: { kind: 'command', command: command('test ${A}') }, env: { A: 'x' } }).ready,
    ).toMatchObject({ command: { how: { argv: ['test', 'x'] } } });
    expect(resolved({ ready: { kind: 'log', pattern: 'on ${PORT}' }, ports }, { ports: leased }).ready).toEqual({
      kind: 'log',
      pattern: 'on 54',
    });
  });
});
