import { expect, test } from 'vitest';
import { askedAddresses } from './asked-addresses.ts';
import type { RunListener } from './interfaces.ts';

const own = (address: string, port = 80): RunListener => ({ address, port, holder: 'run' });
const hidden = (address: string): RunListener => ({ address, port: 80, holder: 'hidden' });
const other = (address: string): RunListener => ({ address, port: 80, holder: 'other' });

test.each([
  ['0.0.0.0', ['127.0.0.1']],
  ['::', ['127.0.0.1', '::1']],
  ['::1', ['::1']],
  ['127.0.0.2', ['127.0.0.2']],
  ['::ffff:127.0.0.3', ['127.0.0.3']],
  ['::ffff:0.0.0.0', ['127.0.0.1']],
  ['fd00::2', ['fd00::2']],
])('U11: a listener on %s is asked at %j', (address, asked) => {
  expect(askedAddresses([own(address)], 80)).toEqual(asked);
});

test('U11: a listener on a wildcard is not asked where another one answers', () => {
  expect(askedAddresses([other('127.0.0.1'), own('::')], 80)).toEqual(['::1']);
  expect(askedAddresses([other('127.0.0.1'), own('0.0.0.0')], 80)).toEqual(['127.0.0.2']);
  expect(askedAddresses([other('127.0.0.1'), own('127.0.0.2')], 80)).toEqual(['127.0.0.2']);
});

test('U11: each address is asked once, and a proven listener rather than one that may not be looked at', () => {
  expect(askedAddresses([own('0.0.0.0'), own('::')], 80)).toEqual(['127.0.0.1', '::1']);
  expect(askedAddresses([hidden('127.0.0.5'), own('::1')], 80)).toEqual(['::1']);
  expect(askedAddresses([hidden('127.0.0.5'), other('::1')], 80)).toEqual(['127.0.0.5']);
});

test('U11: the listener of another process, or on another port, is not asked', () => {
  expect(askedAddresses([other('127.0.0.1'), own('127.0.0.1', 81)], 80)).toEqual([]);
});
