import { expect, test } from 'vitest';
import { BEAT, Beat } from './beat.ts';

test('a beat calls each listener at its own pace; one that fails takes no other with it; one that left is not called', async () => {
  const errors: unknown[] = [];
  const beat = new Beat((error) => errors.push(error), 1);
  const calls = { often: 0, seldom: 0, left: 0 };
  beat.every(BEAT, () => {
    throw new Error('this one always fails');
  });
  beat.every(BEAT, () => {
    calls.often += 1;
  });
  const leave = beat.every(BEAT, () => {
    calls.left += 1;
  });
  leave();
  await new Promise<void>((resolve) => {
    beat.every(3 * BEAT, () => {
      calls.seldom += 1;
      if (calls.seldom === 2) resolve();
    });
  });
  beat.close();
  expect([calls, errors.length]).toEqual([{ often: 6, seldom: 2, left: 0 }, 6]);
});
