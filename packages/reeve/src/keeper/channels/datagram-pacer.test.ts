import { expect, test } from 'vitest';
import { DatagramPacer } from './datagram-pacer.ts';

function pacer() {
  const told: [string, number][] = [];
  let now = 0;
  const made = new DatagramPacer(
    (text, lost) => told.push([text, lost]),
    () => now,
  );
  return { told, made, pass: (ms: number) => (now += ms) };
}

test('what comes at a human pace is reported as it came, with what was lost before it', () => {
  const { told, made, pass } = pacer();
  for (let n = 0; n < 200; n += 1) {
    made.take(`A=${n}\nB=${n}`);
    pass(100);
  }
  made.lose();
  made.take('C');
  expect(told).toHaveLength(201);
  expect(told.at(-1)).toEqual(['C', 1]);
});

test('beyond it, the last of every key is reported, in the order in which they last came', () => {
  const { told, made } = pacer();
  for (let n = 0; n < 50; n += 1) made.take('burst');
  for (const text of ['RELOADING=1', 'STATUS=a', 'READY=1\nSTATUS=b', 'RELOADING=1']) made.take(text);
  expect(told).toHaveLength(50);
  made.flush();
  expect(told.at(-1)).toEqual(['READY=1\nSTATUS=b\nRELOADING=1', 0]);
});

test('what is merged is bounded; what no longer fits is counted', () => {
  const { told, made } = pacer();
  for (let n = 0; n < 50; n += 1) made.take('burst');
  for (let n = 0; n < 100; n += 1) made.take(`K${n}=${'x'.repeat(1000)}`);
  made.flush();
  const [text = '', lost] = told.at(-1) ?? [];
  expect(text.length).toBeLessThanOrEqual(16 * 1024);
  expect(text.split('\n').length + (lost ?? 0)).toBe(100);
});
