import { type Receipt, ReeveError } from '@reeve/contract';
import { expect, test } from 'vitest';
import { auditOutcome } from './audit-outcome.ts';

const complete: Receipt = { project: 'shop', status: 'COMPLETE', services: [], survivors: [], ms: 1 };

test('a complete receipt, and an operation without one, are done', () => {
  expect(auditOutcome(complete)).toBe('done');
  expect(auditOutcome(null)).toBe('done');
});

test('what is left, and a clean-up that did not succeed, are named', () => {
  const survivor = { service: 'db', pid: 42, command: 'db', why: 'it is in D state' };
  const cleanUp = { service: 'web', outcome: 'timed_out', message: null, ms: 5 } as const;
  const receipt: Receipt = { ...complete, status: 'INCOMPLETE', survivors: [survivor], clean_ups: [cleanUp] };
  expect(auditOutcome(receipt)).toBe('failed: pid 42, clean-up of web timed_out');
});

test('a stop that a newer command has overtaken says by whom', () => {
  const receipt: Receipt = { ...complete, taken_over: [{ service: 'web', by: 'up, by cli:me:7' }] };
  expect(auditOutcome(receipt)).toBe('done: web taken over by up, by cli:me:7');
});

test('a refusal has the code of its error', () => {
  expect(auditOutcome(new ReeveError('PROJECT_UNKNOWN', { name: 'shop' }))).toBe(
    'refused: PROJECT_UNKNOWN (exit code 4)',
  );
  expect(auditOutcome('INTERNAL')).toMatch(/^failed: INTERNAL/);
});
