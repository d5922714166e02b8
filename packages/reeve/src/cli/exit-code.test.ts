import type { Waited, WaitedService } from '@reeve/contract';
import { expect, test } from 'vitest';
import { exitOfStatus } from './commands/status.ts';
import { weightiest } from './exit-code.ts';
import { adviceFor, exitOfStart, summary } from './terminal/progress.ts';

test('when several exit codes apply, the first of 2, 4, 6, 5, 8, 7, 1', () => {
  const order = [2, 4, 6, 5, 8, 7, 1];
  order.forEach((code, i) => {
    expect(weightiest([...order.slice(i)].reverse())).toBe(code);
  });
  expect(weightiest([0, 0])).toBe(0);
  expect(weightiest([])).toBe(0);
  expect(weightiest([0, 9])).toBe(9);
});

const service = (name: string, outcome: WaitedService['outcome']): WaitedService => ({
  name,
  outcome,
  state: outcome === 'met' ? 'running' : 'failed',
  reason: null,
  ms: 0,
});
const waited = (outcome: Waited['outcome'], ...outcomes: WaitedService['outcome'][]): Waited => ({
  outcome,
  services: outcomes.map((each, i) => service(`s${i}`, each)),
});

test.each([
  [waited('met', 'met', 'met'), 0],
  [waited('failed', 'met', 'failed'), 1],
  [waited('failed', 'failed', 'conflict'), 1],
  [waited('failed', 'met', 'conflict'), 5],
  [waited('failed', 'conflict', 'blocked'), 5],
  [waited('failed', 'blocked'), 1],
  [waited('timeout', 'met', 'pending'), 8],
  [waited('timeout', 'failed', 'pending'), 8],
])('a start: %j', (result, code) => {
  expect(exitOfStart(result)).toBe(code);
});

test('the summary counts who is up and says what is wrong with the rest', () => {
  expect(summary(waited('met', 'met', 'met'), 4600, '—')).toBe('2 of 2 up in 4.6s');
  expect(summary(waited('failed', 'met', 'failed', 'blocked'), 4600, '—')).toBe(
    '1 of 3 up in 4.6s — 1 failed, 1 blocked',
  );
  expect(summary(waited('timeout', 'met', 'pending'), 30_000, '-')).toBe('1 of 2 up after 30s - 1 not ready');
});

test('a time-out names who is not ready and says that nothing was stopped', () => {
  expect(adviceFor(waited('timeout', 'met', 'pending', 'pending'))[0]).toBe(
    's1, s2 are not ready yet; nothing was stopped, and the start continues.',
  );
  expect(adviceFor(waited('met', 'met'))).toEqual([]);
  expect(adviceFor(waited('failed', 'blocked', 'failed'))[0]).toContain('reeve why s1');
});

test.each([
  [['running'], 0],
  [['starting', 'completed'], 0],
  [['stopped'], 3],
  [['failed'], 3],
  [['backoff'], 3],
  [['waiting'], 3],
  [['running', 'stopped'], 3],
] as const)('status of %j', (states, code) => {
  expect(exitOfStatus(states.map((state) => ({ state })) as never)).toBe(code);
});

test('U27: after an unfinished stop the advice is about what is left, not about a port', () => {
  const service = {
    name: 'db',
    outcome: 'conflict',
    state: 'failed',
    reason: 'stop incomplete: pid 7',
    ms: 1,
  } as const;
  expect(adviceFor({ outcome: 'failed', services: [service] })[0]).toContain('reeve stop --force db');
});
