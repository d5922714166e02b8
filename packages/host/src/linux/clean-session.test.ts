import { describe, expect, test } from 'vitest';
import { cleanLimit } from './clean-session.ts';
import { parseLimits, UNLIMITED } from './limits-of.ts';

describe('the limits of a clean session', () => {
  test('U8: the soft limits on descriptors and core files are the usual ones, whatever the shell had', () => {
    const first = { soft: 1_048_576n, hard: 1_048_576n };
    expect(cleanLimit('nofile', { soft: 512n, hard: 1_048_576n }, first).soft).toBe(1024n);
    expect(cleanLimit('core', { soft: 4096n, hard: UNLIMITED }, { soft: UNLIMITED, hard: UNLIMITED }).soft).toBe(0n);
  });

  test('U8: a soft limit is never above the hard one', () => {
    expect(cleanLimit('nofile', { soft: 512n, hard: 512n })).toEqual({ soft: 512n, hard: 512n });
  });

  test('U8: other limits are those of the first process of the system', () => {
    const first = { soft: 8n << 20n, hard: UNLIMITED };
    expect(cleanLimit('stack', { soft: 4n << 20n, hard: 64n << 20n }, first)).toEqual(first);
  });

  test('U8: a hard limit is never lowered', () => {
    const own = { soft: 0n, hard: UNLIMITED };
    expect(cleanLimit('cpu', own, { soft: 60n, hard: 60n })).toEqual({ soft: 60n, hard: UNLIMITED });
  });

  test('U8: what the first process has raised for itself alone is not taken from it', () => {
    const first = { soft: 1_073_741_816n, hard: 1_073_741_816n };
    expect(cleanLimit('nofile', { soft: 512n, hard: 512n }, first)).toEqual({ soft: 1024n, hard: 524_288n });
    expect(cleanLimit('memlock', { soft: 1n, hard: 1n }, { soft: 64n << 20n, hard: 64n << 20n })).toEqual({
      soft: 8n << 20n,
      hard: 8n << 20n,
    });
  });
});

test('limits are read as the kernel prints them', () => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max open files            1024                 524288               files     ',
    'Max nice priority         0                    0                    ',
    '',
  ].join('\n');
  expect(Object.fromEntries(parseLimits(text))).toEqual({
    cpu: { soft: UNLIMITED, hard: UNLIMITED },
    nofile: { soft: 1024n, hard: 524_288n },
    nice: { soft: 0n, hard: 0n },
  });
});
