import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { VERSION } from './version.ts';

test('the version in the cards is that of the package', () => {
  const manifest = createRequire(import.meta.url)('../package.json') as { version: string };
  expect(VERSION).toBe(manifest.version);
});
