import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';

test.each([
  ['comand', ['command', 'container', 'cwd'], 'command'],
  ['prots', ['ports', 'project'], 'ports'],
  ['dependsOn', ['depends_on', 'description'], 'depends_on'],
  ['databse', ['db', 'web'], 'db'],
  ['wrker', ['worker', 'web'], 'worker'],
  ['SIGTRM', ['SIGTERM', 'SIGTRAP', 'SIGINT'], 'SIGTERM'],
  ['NOPE', ['HOME', 'PATH'], null],
  ['zebra', ['api', 'web'], null],
  ['', ['a'], null],
  ['x', [], null],
])('%s was most likely %s → %s', (wanted, known, near) => {
  expect(nearestName(wanted, known)).toBe(near);
});
test('a swap of two neighbours is one edit', () => {
  expect(editDistance('ab', 'ba')).toBe(1);
});
test('the distance is symmetric, zero only for equal words, and at most the longer length', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
test('a name with one letter lost is found again among others', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{5,12}$/), fc.nat(), (name, at) => {
      const i = at % name.length;
      expect(nearestName(name.slice(0, i) + name.slice(i + 1), ['0123456789', name])).toBe(name);
    }),
  );
});
