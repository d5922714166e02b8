// V8's code cache of each program: `node scripts/code-cache.mjs`, or import { recordCodeCache }.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './root.mjs';

const dist = path.join(root, 'packages/reeve/dist');
const config = {
  services: {
    one: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], health: { command: ['true'] } },
    two: { command: ['sleep', '600'], depends_on: ['one'], restart: 'never' },
  },
};
/** What people do all day: the functions that it needs are in the cache, compiled. */
const lives = [
  ['up', '-d'],
  ['ps'],
  ['status', 'one'],
  ['why', 'two'],
  ['logs', 'one'],
  ['version'],
  ['restart', 'two'],
  ['stop'],
  ['daemon', 'stop'],
];

/**
 * Runs each program of dist once as a user would, and keeps what V8 compiled beside its bundle. Does nothing where the
 * cache is there already. Returns why it could not, or null: reeve works without one, it starts more slowly.
 */
export async function recordCodeCache() {
  // Imported here: it needs packages that setup.mjs may have to install first.
  const { loader } = await import('./program.mjs');
  const code = path.join(dist, 'code');
  const bundles = readdirSync(code).filter((name) => name.endsWith('.js'));
  const suffix = `-${process.versions.v8}-${process.arch}.cache`;
  if (bundles.every((name) => existsSync(path.join(code, name.slice(0, -3) + suffix)))) return null;
  const stage = mkdtempSync(path.join(tmpdir(), 'reeve-code-'));
  try {
    const wrong = record({ stage, code, bundles, loader });
    if (wrong !== null) return wrong;
    for (const name of readdirSync(path.join(stage, 'record')).filter((each) => each.endsWith('.cache')))
      copyFileSync(path.join(stage, 'record', name), path.join(code, name));
    return null;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function record({ stage, code, bundles, loader }) {
  const folders = {
    dist: path.join(stage, 'dist'),
    record: path.join(stage, 'record'),
    home: path.join(stage, 'home'),
    project: path.join(stage, 'p'),
  };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  symlinkSync(path.join(root, 'node_modules'), path.join(stage, 'node_modules'));
  for (const name of bundles) {
    copyFileSync(path.join(code, name), path.join(folders.record, name));
    const [, program] = /^(.*)-[0-9a-f]+\.js$/.exec(name);
    writeFileSync(path.join(folders.dist, `${program}.js`), loader(name.slice(0, -3), folders.record));
  }
  writeFileSync(path.join(folders.project, 'reeve.json'), JSON.stringify(config));
  const env = { ...process.env, REEVE_HOME: folders.home };
  for (const args of lives) {
    const { status, stderr } = spawnSync(process.execPath, [path.join(folders.dist, 'cli.js'), ...args], {
      cwd: folders.project,
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (status !== 0) {
      spawnSync(process.execPath, [path.join(folders.dist, 'cli.js'), 'daemon', 'stop', '--with-services'], {
        cwd: folders.project,
        env,
        timeout: 60_000,
      });
      return `reeve ${args.join(' ')} ended with ${status}: ${stderr.trim()}`;
    }
  }
  return null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = await recordCodeCache();
  if (wrong !== null) console.error(wrong);
  process.exitCode = wrong === null ? 0 : 1;
}
