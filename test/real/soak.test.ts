import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const soak = path.resolve(import.meta.dirname, '../../scripts/soak.mjs');

/** A short form of `npm run soak`; its own words are in the failure. */
const run = (...args: string[]) =>
  new Promise<{ code: number; said: string }>((resolve) => {
    execFile(process.execPath, [soak, ...args], { maxBuffer: 1 << 24 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: `${out}${err}` }),
    );
  });

test('SD1, UP1: the daemon is killed ten times and upgraded twice under load, and no service notices', {
  timeout: 400_000,
}, async () => {
  const { code, said } = await run('--kills', '10', '--services', '12', '--upgrades', '2', '--minutes', '3');
  expect(code, said).toBe(0);
  expect(said).toMatch(/10 kills of the daemon, .* 2 upgrades .*: 0 violations/);
});

test('a soak with options that mean nothing says how it is used', async () => {
  const { code, said } = await run('--kills', 'many');
  expect(code).toBe(2);
  expect(said).toContain('usage: npm run soak');
});
