import { NAME_PATTERN } from '@reeve/contract';
import { expect, test } from 'vitest';
import { bareSpec } from '../../core/spec/bare-spec.ts';
import { freeName, nameOfCommand } from './run-spec.ts';

test.each([
  [['sleep', '5'], 'sleep'],
  [['/usr/lib/postgresql/15/bin/postgres', '-D', 'data'], 'postgres'],
  [['node', 'services/web-editor.js'], 'web-editor'],
  [['npm', 'run', 'dev'], 'dev'],
  [['npm', 'start'], 'npm'],
  [['python3', '-u', 'api.py'], 'api'],
  [['env', 'A=1', 'sh', '-c', 'x'], 'sh'],
  [['node', '-e', '1+1'], '1-1'],
  [['./über cool.sh'], 'ber-cool'],
  [['.'], 'run'],
])('%j is called %s', (words, name) => {
  expect(nameOfCommand(words)).toBe(name);
  expect(name).toMatch(NAME_PATTERN);
});

test('a name that is taken gets a number', () => {
  expect(freeName('web', new Set())).toBe('web');
  expect(freeName('Web', new Set(['web', 'web-2']))).toBe('Web-3');
});

test('the words stand as they are: nothing of them is replaced', () => {
  const { how } = bareSpec('x', ['echo', '${HOME}', '$USER'], '/a/${b}').command;
  expect(how).toEqual({ kind: 'argv', argv: ['echo', '$${HOME}', '$USER'] });
  expect(bareSpec('x', ['a'], '/a/${b}').cwd).toBe('/a/$${b}');
});
