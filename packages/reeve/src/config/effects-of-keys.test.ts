import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TSchema } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { branchesOf } from './check-form.ts';
import { EFFECTS, type Effect } from './effects-of-keys.ts';
import { NOT_YET } from './not-yet.ts';
import { ConfigSchema } from './schema.ts';

const root = path.resolve(import.meta.dirname, '../../../..');

/** Every key whose value is not only a map of further keys: `services.*.stop.signal`. */
function leavesOf(schema: TSchema, at = ''): readonly string[] {
  const branches = branchesOf(schema);
  const maps = branches.filter((branch) => branch['type'] === 'object');
  const inner = maps.flatMap((branch) => [
    ...Object.entries((branch['properties'] ?? {}) as Record<string, TSchema>),
    ...Object.values((branch['patternProperties'] ?? {}) as Record<string, TSchema>).map(
      (value) => ['*', value] as const,
    ),
  ]);
  const own = inner.length === 0 || branches.length > maps.length ? [at] : [];
  return [...new Set([...own, ...inner.flatMap(([key, value]) => leavesOf(value, at === '' ? key : `${at}.${key}`))])];
}

/** What is wrong with a row; null: nothing. */
function faultOf(key: string, effect: Effect): string | null {
  if (effect === 'refused' || effect === 'noted') {
    const how = effect === 'refused' ? 'refuse' : 'note';
    const isSaid = NOT_YET.some((row) => row.how === how && isWithin(key.split('.'), row.where));
    return isSaid ? null : `not-yet.ts has no row that it is ${effect}`;
  }
  if ('none' in effect) return null;
  const file = path.join(root, effect.file);
  if (!existsSync(file)) return `${effect.file} does not exist`;
  const text = readFileSync(file, 'utf8');
  if (!["'", '"', '`'].some((quote) => text.includes(`${quote}${effect.test}${quote}`)))
    return `${effect.file} has no test "${effect.test}"`;
  const word = key.split('.').findLast((part) => part !== '*') ?? key;
  return new RegExp(`\\b${word}\\b`).test(text) ? null : `${effect.file} never mentions ${word}`;
}

function isWithin(key: readonly string[], where: readonly string[]): boolean {
  return where.every((step, n) => step === key[n]);
}

test('U7: every key of the schema has a test that sees its effect, or is refused', () => {
  const keys = leavesOf(ConfigSchema);
  expect(Object.keys(EFFECTS).toSorted()).toEqual(keys.toSorted());
  const faults = Object.entries(EFFECTS).flatMap(([key, effect]) => {
    const fault = faultOf(key, effect);
    return fault === null ? [] : [`${key}: ${fault}`];
  });
  expect(faults).toEqual([]);
});

test('U7: the check notices a key without a row, a test that is gone, and a key that nothing says is ignored', () => {
  expect(leavesOf({ type: 'object', properties: { a: { type: 'string' } } } as unknown as TSchema)).toEqual(['a']);
  expect(faultOf('services.*.nice', { file: 'test/real/users.test.ts', test: 'no such test' })).toContain(
    'has no test',
  );
  expect(faultOf('services.*.nice', { file: 'test/real/nowhere.test.ts', test: 'x' })).toContain('does not exist');
  expect(faultOf('services.*.nice', 'noted')).toContain('no row');
});
