import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** The end-to-end tests run the built program. `npm test` has just built it and says so; alone, vitest builds it here. */
export default function buildOnce(): void {
  if (process.env['REEVE_TEST_BUILT'] === '1') return;
  execFileSync(process.execPath, [path.resolve(import.meta.dirname, '../../scripts/build.mjs')], { stdio: 'inherit' });
}
