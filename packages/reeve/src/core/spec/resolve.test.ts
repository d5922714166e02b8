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
  test.each(['b c', '*.js', 'x; echo INJECTED', "it's", '', '$(id)', '| cat'])(
    'U17: as text: a value (%s) is one word, and never brings in a shell',
    (X) => {
      expect(resolved({ command: command('a ${X} --x="${X}"'), env: { X } }).argv).toEqual(['a', X, `--x=${X}`]);
    },
  );
  test('U17: an empty value is not a program to run', () => {
    expect(resolveService(input({ command: command('${X} a'), env: { X: '' } }))).toEqual({
      ok: false,
      problems: ['command: the program to run is an empty word'],
    });
  });
  test('U17: for the shell: a value is a word after the script, and the script is as written', () => {
    expect(resolved({ command: command('a ${X} && b $X'), env: { X: '1; id' } }).argv).toEqual([
      ...['/bin/sh', '-c', 'a "${1}" && b $X', '/bin/sh', '1; id'],
    ]);
  });
  test('U17: a shell that takes no words after its script gets only values that mean the same to it', () => {
    const python = stringCommand('print(${X})', '/usr/bin/python3') as CommandSpec;
    expect(resolved({ command: python, env: { X: '1' } }).argv).toEqual(['/usr/bin/python3', '-c', 'print(1)']);
    expect(resolveService(input({ command: python, env: { X: '__import__("os")' } }))).toEqual({
      ok: false,
      problems: ['command: ${X} holds characters that python3 would read as code'],
    });
  });
  test('U17: PWD is the working folder, everywhere; the folders of the caller are not handed on', () => {
    const base = { PWD: '/caller', OLDPWD: '/before', D: 'sub' };
    const service = resolved(
      { cwd: '${D}', env: { HERE: '${PWD}' }, command: wordsCommand(['a', '${PWD}']) },
      { base },
    );
    expect(service).toMatchObject({ cwd: '/p/sub', argv: ['a', '/p/sub'], env: { PWD: '/p/sub', HERE: '/p/sub' } });
    expect(service.env).not.toHaveProperty('OLDPWD');
  });
  test('what nothing answers is reported with its place', () => {
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

  test('U11: a /path stays one: where it is asked is seen when the service listens', () => {
    const check: HttpCheck = { kind: 'http', url: '/healthz', status: [[200, 399]], body: 'v${V}' };
    const service = resolved({ ports, health: health(check), env: { V: '1' } }, { ports: leased, instance: 1 });
    expect(service.health?.check).toMatchObject({ url: '/healthz', body: 'v1' });
    expect(resolveService(input({ health: health(check), env: { V: '1' } }))).toEqual({
      ok: false,
      problems: ['health.http: /healthz needs a TCP port of the service, and it has none'],
    });
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
