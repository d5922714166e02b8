import { expect, test } from 'vitest';
import { codeOfLoss } from './output.ts';

const failure = (code: string) => Object.assign(new Error(code), { code });

test('U3: a result that could not be written is a failure, whatever the command came to', () => {
  expect(codeOfLoss(0, null)).toBe(0);
  expect(codeOfLoss(0, failure('ENOSPC'))).toBe(1);
  expect(codeOfLoss(141, failure('EIO'))).toBe(1);
  expect(codeOfLoss(4, failure('ENOSPC'))).toBe(4);
});

test('U3: a reader that has gone gives 141, as for every program that a broken pipe ends', () => {
  expect(codeOfLoss(0, failure('EPIPE'))).toBe(141);
  expect(codeOfLoss(6, failure('EPIPE'))).toBe(6);
});
