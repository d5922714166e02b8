import { expect, test } from 'vitest';
import { type Candidate, chooseRun, intentAfterLoss } from './take-over.ts';

const candidate = (run: string, start: number, isAlive = true): Candidate => ({
  run,
  id: '0123456789ab',
  main: { boot: 'b', pid: start, start },
  exit: isAlive ? null : { kind: 'code', code: 0, signal: null, at: '' },
  by: 'keeper',
  found: null,
});

test('U21: the run that memory names continues while it lives; else the newest that lives; the others are copies', () => {
  const [old, young, dead] = [candidate('old', 1), candidate('young', 2), candidate('dead', 3, false)];
  expect(chooseRun('old', [young, old, dead])).toEqual({ goesOn: old, copies: [young] });
  expect(chooseRun('forgotten', [old, young, dead])).toEqual({ goesOn: young, copies: [old] });
  expect(chooseRun('dead', [dead])).toEqual({ goesOn: null, copies: [] });
  expect(chooseRun(null, [])).toEqual({ goesOn: null, copies: [] });
});

test('U21: a run that began after its intent was written down is wanted; a stop that came after it still holds', () => {
  const down = { want: 'down', generation: 2, at: 1000 } as const;
  expect(intentAfterLoss(down, { at: 2000, generation: 2 })).toEqual({ want: 'up', generation: 2, isNewer: true });
  expect(intentAfterLoss(down, { at: 500, generation: 3 })).toEqual({ want: 'up', generation: 3, isNewer: true });
  expect(intentAfterLoss(down, { at: 500, generation: 2 })).toEqual({ want: 'down', generation: 2, isNewer: false });
  expect(intentAfterLoss(down, { at: 500, generation: null })).toEqual({ want: 'down', generation: 2, isNewer: false });
  const lost = { want: 'down', generation: 0, at: 0 } as const;
  expect(intentAfterLoss(lost, { at: 1, generation: null })).toEqual({ want: 'up', generation: 1, isNewer: true });
});
