// `npm test`: sets up, builds, checks, tests. Everything is run before the verdict.
//   npm test -- --only checks|unit|contract|real|NAME-OF-A-CHECK     a part
//   npm test -- -- packages/reeve/src/core                           what follows the second -- is vitest's
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { checks, runChecks } from './check.mjs';
import { root } from './root.mjs';
import { run } from './run.mjs';
import { setUp } from './setup.mjs';

const projects = ['unit', 'contract', 'real'];
/** What the end-to-end tests use: servers to run, and tools to do harm with. */
const debianPackages = [
  ...['python3', 'postgresql', 'redis-server', 'nginx'],
  ...['strace', 'systemd', 'gcc', 'libc6-dev'],
];
const strict = process.env.CI === 'true';
const { only, vitestArgs } = readArguments(process.argv.slice(2));

const tally = { passed: 0, failed: 0 };
const add = ({ passed, failed }) => {
  tally.passed += passed;
  tally.failed += failed;
};

try {
  // Tests of one part need no database server; everything, and the end-to-end tests, do.
  const needsStack = only === null ? vitestArgs.length === 0 : only === 'real';
  heading('set-up');
  await setUp({ debian: needsStack ? debianPackages : [] });
  heading('build');
  add(await attempt('build', () => build({ codeCache: true })));
  // Side by side: half of the time of the tests is waiting. The checks are reported when all is over.
  heading([wantsChecks() && 'checks', wantsTests() && 'tests'].filter(Boolean).join(' and '));
  const lines = [];
  const print = wantsTests() ? (line) => lines.push(line) : console.log;
  const checked = wantsChecks() ? runChecks(only === 'checks' ? null : only, print) : null;
  if (wantsTests()) add(await vitest());
  if (checked !== null) add(await checked);
  for (const line of lines) console.log(line);
} catch (error) {
  console.error(error.message);
  tally.failed += 1;
}
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function readArguments(args) {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  const parts = ['checks', ...projects, ...checks.map(([name]) => name)];
  const part = own[0] === '--only' ? own[1] : null;
  if (own.length > 0 && (own.length !== 2 || !parts.includes(part))) {
    console.error(`usage: npm test -- [--only ${parts.join('|')}] [-- vitest arguments]`);
    process.exit(2);
  }
  return { only: part, vitestArgs: end < 0 ? [] : args.slice(end + 1) };
}

function wantsChecks() {
  return only === null ? vitestArgs.length === 0 : !projects.includes(only);
}

function wantsTests() {
  return only === null || projects.includes(only);
}

function heading(text) {
  console.log(`\n== ${text}`);
}

async function attempt(name, work) {
  const began = performance.now();
  try {
    await work();
    console.log(`ok     ${name} (${Math.round(performance.now() - began)} ms)`);
    return { passed: 1, failed: 0 };
  } catch (error) {
    console.log(`FAILED ${name}\n${error.message}`);
    return { passed: 0, failed: 1 };
  }
}

async function vitest() {
  const folder = mkdtempSync(path.join(tmpdir(), 'reeve-vitest-'));
  const report = path.join(folder, 'report.json');
  // Half of what the end-to-end tests do is waiting for graces and timers.
  const workers = `--maxWorkers=${Math.min(8, 2 * availableParallelism())}`;
  const chosen = only === null ? [] : ['--project', only];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = ['run', workers, ...chosen, ...reporters, ...vitestArgs];
  try {
    const { code } = await run(`${root}/node_modules/.bin/vitest`, args, {
      show: true,
      env: { REEVE_TEST_BUILT: '1' },
    });
    return count(readReport(report), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // vitest broke down before it could report: that is a failure too.
    return { numPassedTests: 0, numFailedTests: 0, testResults: [], broken: error.message };
  }
}

/** A file that could not be loaded, an unhandled error, and with CI=true a skipped test, each count as a failure. */
function count(report, code) {
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ file: file.name, ...test })),
  );
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const skipped = tests.filter((test) => test.status === 'skipped' || test.status === 'pending');
  for (const test of skipped) console.log(`skipped: ${path.relative(root, test.file)}: ${test.fullName}`);
  const failed = report.numFailedTests + unloadable.length + (strict ? skipped.length : 0);
  if (strict && skipped.length > 0) console.log('with CI=true a skipped test counts as failed');
  return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}
