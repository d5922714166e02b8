// Everything that is checked without running the product: `npm run check [-- --only NAME]`.
import { fileURLToPath } from 'node:url';
import { importRuleCatchesPlantedImports } from './checks/import-rule.mjs';
import { licencesArePermissive } from './checks/licences.mjs';
import { lifecycleNeedsEveryCell } from './checks/lifecycle-complete.mjs';
import { noTracesOfAMachine } from './checks/machine-traces.mjs';
import { wordsArePlain } from './checks/words.mjs';
import { outOfDate } from './generate.mjs';
import { tool } from './run.mjs';

/** What is built from: dist would be checked twice, and is not there before the first build. */
const sources = ['contract', 'host', 'sdk', 'reeve'].map((name) => `packages/${name}/src`);

/** Name for --only, what it says, and the work: a check fails by throwing. */
export const checks = [
  ['format', 'format and syntax rules (biome)', () => tool('biome', ['ci', '--colors=off', '.'])],
  ['lint', 'rules that need types (eslint)', () => tool('eslint', ['packages', 'test', '--max-warnings', '0'])],
  ['types', 'types (tsc)', () => tool('tsc', ['-p', 'tsconfig.json', '--noEmit'])],
  [
    'imports',
    'imports go down only (dependency-cruiser)',
    () => tool('depcruise', [...sources, '--config', '.dependency-cruiser.cjs']),
  ],
  ['imports-self', 'a planted upward import is caught on every floor', importRuleCatchesPlantedImports],
  ['lifecycle', 'the lifecycle table needs every cell to compile', lifecycleNeedsEveryCell],
  ['dead-code', 'nothing unused (knip)', () => tool('knip', ['--no-progress'])],
  ['generated', 'generated references are up to date', referencesAreCurrent],
  ['publish', 'the packages are fit to be published (publint)', packagesArePublishable],
  ['traces', 'no traces of a machine in tracked files', noTracesOfAMachine],
  ['words', 'plain words in messages, comments and pages', wordsArePlain],
  ['licences', 'licences of what is shipped are permissive', licencesArePermissive],
];

async function referencesAreCurrent() {
  const stale = await outOfDate();
  if (stale.length > 0) throw new Error(`run: npm run generate\n  ${stale.join('\n  ')}`);
}

async function packagesArePublishable() {
  for (const folder of ['packages/reeve', 'packages/sdk'])
    await tool('publint', ['run', folder, '--strict', '--pack', 'npm']);
}

/** Runs the checks one after the other, each with a heading and its time. Returns how many passed and failed. */
export async function runChecks(only = null, print = console.log) {
  const tally = { passed: 0, failed: 0 };
  for (const [name, what, work] of checks) {
    if (only !== null && only !== name) continue;
    const began = performance.now();
    const error = await work().then(
      () => null,
      (reason) => reason,
    );
    const ms = Math.round(performance.now() - began);
    print(`${error === null ? 'ok    ' : 'FAILED'} ${what} (${name}, ${ms} ms)`);
    if (error !== null) print(String(error.message ?? error).replace(/^/gm, '       '));
    tally[error === null ? 'passed' : 'failed'] += 1;
  }
  return tally;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--only');
  const only = at < 0 ? null : process.argv[at + 1];
  if (at >= 0 && !checks.some(([name]) => name === only)) {
    console.error(`--only takes one of: ${checks.map(([name]) => name).join(', ')}`);
    process.exit(2);
  }
  const { passed, failed } = await runChecks(only);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
