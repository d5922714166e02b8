import { expect, test } from 'vitest';
import { cpuPercent, nextSample } from './cpu.ts';

test('U29: processor time is counted since the last look, else since the run began', () => {
  expect(cpuPercent({ at: 1000, used: 50 }, null, 900)).toBe(50);
  expect(cpuPercent({ at: 1100, used: 75 }, { at: 1000, used: 50 }, 0)).toBe(25);
  expect(cpuPercent({ at: 1010, used: 60 }, { at: 1000, used: 50 }, 910)).toBe(60);
  expect(cpuPercent({ at: 9000, used: 100 }, { at: 1000, used: 50 }, 8000)).toBe(10);
});

test('U29: children that have ended take their time with them: it never counts below nothing', () => {
  expect(cpuPercent({ at: 1100, used: 10 }, { at: 1000, used: 500 }, 1000)).toBe(10);
  expect(cpuPercent({ at: 1000, used: 0 }, null, 1000)).toBeNull();
});

test('U29: looks in quick succession keep the older sample', () => {
  const before = { at: 1000, used: 5 };
  expect(nextSample({ at: 1010, used: 6 }, before)).toBe(before);
  expect(nextSample({ at: 1060, used: 6 }, before)).toEqual({ at: 1060, used: 6 });
});
