import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../root.mjs';
import { run } from '../run.mjs';

const config = path.join(root, '.dependency-cruiser.cjs');

/**
 * Checks the check: plants, in a house of its own, one import that goes up from each floor, and what the CLI may
 * not take, and demands that each is refused by its rule; without the plants the same house must pass.
 */
export async function importRuleCatchesPlantedImports() {
  const floors = createRequire(import.meta.url)(config)
    .forbidden.map((rule) => rule.name)
    .filter((name) => name.startsWith('floor-'))
    .map((name) => name.slice('floor-'.length));
  const house = mkdtempSync(path.join(tmpdir(), 'reeve-house-'));
  try {
    build(house, floors);
    const clean = await cruise(house);
    if (clean.code !== 0) throw new Error(`the house without plants should pass:\n${clean.output}`);
    for (const floor of floors) plant(house, floor);
    for (const floor of NOT_OF_THE_CLI) plantInCli(house, floor);
    plantSupervisor(house);
    const planted = await cruise(house);
    const missed = [
      ...floors.filter((floor) => !planted.output.includes(`floor-${floor}:`)),
      ...NOT_OF_THE_CLI.filter((floor) => !planted.output.includes(`cli/takes-${floor}.ts`)).map(
        (each) => `cli to ${each}`,
      ),
      ...(planted.output.includes('cli-without-supervisor:') ? [] : ['cli to supervisor, through operations']),
    ];
    if (planted.code === 0 || missed.length > 0) {
      throw new Error(`planted imports were not caught on: ${missed.join(', ')}\n${planted.output}`);
    }
  } finally {
    rmSync(house, { recursive: true, force: true });
  }
}

function build(house, floors) {
  writeFileSync(path.join(house, 'tsconfig.json'), '{"compilerOptions":{"allowImportingTsExtensions":true}}');
  writeFileSync(path.join(house, 'package.json'), '{"type":"module"}');
  for (const floor of floors) {
    mkdirSync(path.join(house, 'packages/reeve/src', floor), { recursive: true });
    writeFileSync(path.join(house, 'packages/reeve/src', floor, 'room.ts'), 'export const room = 1;\n');
  }
}

/** The CLI parses and prints: what it needs of these is an operation. */
const NOT_OF_THE_CLI = ['platform', 'registry', 'announcements', 'logs'];

function plantInCli(house, floor) {
  const text = `import { room } from '../${floor}/room.ts';\nexport const stolen = room;\n`;
  writeFileSync(path.join(house, 'packages/reeve/src/cli', `takes-${floor}.ts`), text);
}

/** Each of these two imports is allowed for itself. */
function plantSupervisor(house) {
  const at = (file) => path.join(house, 'packages/reeve/src', file);
  writeFileSync(at('operations/live.ts'), "export { room } from '../supervisor/room.ts';\n");
  writeFileSync(
    at('cli/takes-live.ts'),
    "import { room } from '../operations/live.ts';\nexport const stolen = room;\n",
  );
}

/** No floor may import daemon/ or cli/: those two must not import each other. */
function plant(house, floor) {
  const above = floor === 'cli' ? 'daemon' : 'cli';
  writeFileSync(
    path.join(house, 'packages/reeve/src', floor, 'planted.ts'),
    `import { room } from '../${above}/room.ts';\nexport const stolen = room;\n`,
  );
}

function cruise(house) {
  return run(path.join(root, 'node_modules/.bin/depcruise'), ['packages', '--config', config, '-T', 'err'], {
    cwd: house,
  });
}
