import { expect, test } from 'vitest';
import { MASK } from '../../core/spec/environment.ts';
import { redact } from './redact.ts';

test('values under secret names are masked at any depth, the rest is kept', () => {
  const at = new Date(0);
  const value = { env: { DB_PASSWORD: 'x', PORT: '1' }, list: [{ token: 'y', n: 1 }], at, none: { secret: null } };
  expect(redact(value)).toEqual({
    env: { DB_PASSWORD: MASK, PORT: '1' },
    list: [{ token: MASK, n: 1 }],
    at,
    none: { secret: null },
  });
});

test('a password inside a URL is masked wherever the URL stands', () => {
  const shown = JSON.stringify(redact({ urls: ['postgres://me:s3cret@db/x'], msg: 'cannot reach redis://:s3cret@h' }));
  expect(shown).not.toContain('s3cret');
  expect(shown).toContain('postgres://me:');
});

test('a value that contains itself ends', () => {
  const loop: Record<string, unknown> = { name: 'a' };
  loop['self'] = loop;
  expect(JSON.stringify(redact(loop))).toContain('[too deep]');
});
