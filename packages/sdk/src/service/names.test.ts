import { ReeveError } from '@reeve/contract';
import { expect, test } from 'vitest';
import { checkServiceName, titleOf } from './names.ts';

const refusal = (work: () => unknown): ReeveError => {
  try {
    work();
  } catch (error) {
    if (error instanceof ReeveError) return error;
  }
  throw new Error('nothing was refused');
};

test.each(['web-editor', 'a', 'db2', 'a1-b2-c3', 'x'.repeat(100)])('%s is a name for a service', (name) => {
  expect(() => checkServiceName(name)).not.toThrow();
});

test.each([
  ['WebEditor', 'web-editor'],
  ['service name', 'service-name'],
  ['web_editor', 'web-editor'],
  ['-web--editor-', 'web-editor'],
  ['2fast', 'fast'],
])('%s is none, and the error says that %s would be', (name, good) => {
  const error = refusal(() => checkServiceName(name));
  expect([error.code, error.exit]).toEqual(['USAGE', 2]);
  expect(error.message).toContain('kebab-case');
  expect(error.hint).toBe(`for example: ${good}`);
});

test.each([
  ['', 'web-editor'],
  [undefined, 'web-editor'],
  ['…', 'web-editor'],
  ['x'.repeat(101), 'x'.repeat(100)],
])('%s is none either', (name, good) => {
  expect(refusal(() => checkServiceName(name)).hint).toBe(`for example: ${good}`);
});

test('a title is the project and the name, and another one must begin with the project', () => {
  expect(titleOf('tournament', 'web-editor', null)).toBe('tournament-web-editor');
  expect(titleOf('tournament', 'web-editor', 'tournament-editor')).toBe('tournament-editor');
  const error = refusal(() => titleOf('tournament', 'web-editor', 'web-editor'));
  expect(error.message).toContain('must begin with "tournament-"');
  expect(error.hint).toBe('for example: tournament-web-editor');
  expect(refusal(() => titleOf('tournament', 'web-editor', 'tournament-web editor')).code).toBe('USAGE');
});
