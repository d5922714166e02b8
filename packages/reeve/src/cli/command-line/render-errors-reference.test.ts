import { ERRORS, type ErrorCode, type Params, ReeveError } from '@reeve/contract';
import { expect, test } from 'vitest';
import { renderErrorsReference } from './render-errors-reference.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];
const sample = new Proxy({}, { get: (_, name) => `«${String(name)}»` }) as Params;

test.each(codes)('%s has a sentence, an exit code, a status and a next step', (code) => {
  const entry = ERRORS[code];
  const { message, hint, exit } = new ReeveError(code, sample);
  expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  expect(message.trim()).not.toBe('');
  expect(message).not.toMatch(/\.$|undefined|\[object/);
  expect(exit).toBeGreaterThanOrEqual(1);
  expect(exit).toBeLessThanOrEqual(9);
  expect(entry.http).toBeGreaterThanOrEqual(400);
  expect(entry.http).toBeLessThanOrEqual(599);
  expect(typeof entry.retryable).toBe('boolean');
  // Only a code whose sentence is its whole story (its message is a parameter) may leave the next step to the code that throws it.
  if (hint === null) expect(message).toBe('«message»');
});

test.each(codes)('%s keeps its code, parameters and cause', (code) => {
  const cause = new Error('cause');
  const params = { name: 'a' };
  const error = new ReeveError(code, params, { cause });
  expect([error.code, error.params, error.cause, error.name]).toEqual([code, params, cause, 'ReeveError']);
});

test('every exit code from 1 to 9 but none other is some error', () => {
  expect([...new Set(codes.map((code) => ERRORS[code].exit))].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('the reference has one row for each code, with its sentence, and its parameters by name', () => {
  const text = renderErrorsReference();
  for (const code of codes)
    expect(text.split('\n').filter((line) => line.startsWith(`| \`${code}\` |`))).toHaveLength(1);
  expect(text).toContain('| `PORT_TAKEN` | port {port} is held by {holder} |');
  expect(text).toContain('| 9 | daemon unreachable | `DAEMON_DEPOSED`, `DAEMON_UNREACHABLE`, `PROTOCOL_MISMATCH` |');
});
