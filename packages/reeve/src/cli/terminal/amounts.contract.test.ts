import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

const built = buildSync({ entryPoints: [join(import.meta.dirname, 'amounts.ts')], format: 'cjs', write: false });
const program = `${built.outputFiles[0]?.text}
const at = Date.parse(process.argv[1]);
console.log(module.exports.localDate(at), module.exports.clockTime(at));`;

// In a process of its own: only the start of a process sets its time zone for sure.
test.each([
  ['Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25 02:30:00.000'],
  ['Europe/Berlin', '2026-10-25T01:30:00Z', '2026-10-25 02:30:00.000'],
  ['Europe/Berlin', '2026-11-20T23:30:00Z', '2026-11-21 00:30:00.000'],
  ['America/New_York', '2026-11-21T02:00:00Z', '2026-11-20 21:00:00.000'],
  ['UTC', '1969-12-31T23:59:59.999Z', '1969-12-31 23:59:59.999'],
])('TM4: date and time of day are both those of the place: %s at %s', (TZ, at, shown) => {
  const printed = execFileSync(process.execPath, ['-e', program, at], { env: { TZ }, encoding: 'utf8' });
  expect(printed.trim()).toBe(shown);
});
