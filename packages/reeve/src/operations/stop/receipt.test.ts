import type { CleanUpView, Receipt, ReceiptService } from '@reeve/contract';
import { expect, test } from 'vitest';
import { inHand, ranOf, withCleanUps } from './receipt.ts';

const service = (name: string): ReceiptService => ({
  name,
  promise: 'verified',
  promise_reason: '',
  processes: [],
  ports: [],
  stop_commands: [],
});
const receipt: Receipt = {
  project: 'shop',
  status: 'COMPLETE',
  services: [service('web'), service('db')],
  survivors: [],
  ms: 10,
};
const view = (outcome: CleanUpView['outcome']): CleanUpView => ({ service: 'web', outcome, message: null, ms: 5 });

test('a clean-up that failed makes the receipt incomplete, and its time is part of it', () => {
  const joined = withCleanUps(receipt, { views: [view('failed')], ms: 5.4 });
  expect(joined).toEqual({ ...receipt, status: 'INCOMPLETE', clean_ups: [view('failed')], ms: 15 });
});

test('without clean-ups the receipt is the same; a good one keeps its status', () => {
  expect(withCleanUps(receipt, { views: [], ms: 3 })).toBe(receipt);
  expect(withCleanUps(receipt, { views: [view('done')], ms: 0 }).status).toBe('COMPLETE');
});

test('after a stop only what ran is cleaned up, and never below what a newer command has started', () => {
  const all = new Map([
    ['web', 1],
    ['db', 2],
    ['idle', 3],
  ]);
  const overtaken: Receipt = { ...receipt, taken_over: [{ service: 'db', by: 'start, by cli:me:7' }] };
  expect(ranOf(receipt, all)).toEqual([1, 2]);
  expect(ranOf(overtaken, all)).toEqual([1]);
  expect(inHand(overtaken, all)).toEqual([1, 3]);
});
