// How fast the registry is: `node bench/registry.mjs [rounds]`. Prints medians; on a busy machine look at the smallest.
// Needs the packages of `npm install`; makes and removes a folder in the system's place for temporary files.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const rounds = Number(process.argv[2] ?? 5);

/** The product's own source, bundled as the daemon is. */
async function loadRegistry() {
  const folder = mkdtempSync(path.join(root, 'node_modules', '.reeve-bench-'));
  try {
    const outfile = path.join(folder, 'registry.mjs');
    await build({
      entryPoints: [path.join(root, 'packages/reeve/src/registry/open.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['reeve-source'],
      external: ['@photostructure/sqlite'],
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const event = {
  at: 1,
  folder: '/p',
  project: 'shop',
  service: 'web',
  instance: 0,
  run: '0123456789abcdef0123',
  event: 'service.started',
  message: 'web started (pid 4711)',
  data: { pid: 4711 },
};
const audit = { at: 1, actor: 'cli:me', action: 'up', target: 'shop', reason: null, outcome: 'ok' };

function run(i) {
  const run = `run-${i}`;
  const marks = {
    run,
    main: { boot: 'b', pid: 4711, start: 7 },
    witness: { cookie: run, cgroup: `/reeve/${run}` },
    ports: [],
  };
  const row = { run, folder: '/p', service: `web-${i}`, index: 0, generation: 1, id: '0123456789ab', marks };
  return { ...row, started_at: 1, ready_at: 2, ended_at: null, exit: null };
}

function service(i) {
  const spec = { name: `web-${i}`, description: 'x'.repeat(60), env: { A: '1' }, ports: [], filling: 'y'.repeat(600) };
  const environment = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`VARIABLE_${n}`, 'value of it']));
  return { folder: '/p', name: spec.name, spec, environment, managed_by: 'config', data: null, in_config: true };
}

function instance(i) {
  const machine = { state: { name: 'running', process: { boot: 'b', pid: 4711, start: 7 }, since: 5 }, epoch: 3 };
  const row = { folder: '/p', service: `web-${i}`, index: 0, state: 'running', reason: null, restarts: 0 };
  return { ...row, machine, at: 1 };
}

/** Milliseconds per turn. */
function timed(turns, work) {
  const began = performance.now();
  for (let i = 0; i < turns; i += 1) work(i);
  return (performance.now() - began) / turns;
}

const { openRegistry, openRegistryReadonly } = await loadRegistry();

function round() {
  const folder = mkdtempSync(path.join(tmpdir(), 'reeve-bench-'));
  const file = path.join(folder, 'reeve.db');
  const result = {};
  let registry;
  result['open a new one, ms'] = timed(1, () => {
    registry = openRegistry({ file });
  });
  registry.transaction('durable', () => {
    registry.projects.save({ folder: '/p', name: 'shop', config: null, env: {}, env_files: [] });
    for (let i = 0; i < 100; i += 1) registry.services.save(service(i));
  });
  result['event in a transaction of 100, µs'] =
    10 *
    timed(200, () =>
      registry.transaction('usual', () => {
        for (let i = 0; i < 100; i += 1) registry.events.append(event);
      }),
    );
  result['event by itself, µs'] =
    1000 * timed(5000, () => registry.transaction('usual', () => registry.events.append(event)));
  result['command with the disk awaited, µs'] =
    1000 * timed(200, () => registry.transaction('durable', () => registry.audit.append(audit)));
  result['100 starts (run, instance, event), ms'] = timed(20, () =>
    registry.transaction('usual', () => {
      for (let i = 0; i < 100; i += 1) {
        registry.runs.save(run(i));
        registry.instances.save(instance(i));
        registry.events.append(event);
      }
    }),
  );
  result['ps of 100: open read-only, read, close, ms'] = timed(20, () => {
    const reader = openRegistryReadonly(file);
    for (const { folder } of reader.projects.all()) {
      reader.services.of(folder);
      reader.intents.of(folder);
      reader.instances.of(folder);
      reader.leases.all();
    }
    reader.runs.open();
    reader.close();
  });
  registry.close();
  result['open one of 27,000 events (with quick_check), ms'] = timed(1, () => {
    registry = openRegistry({ file });
  });
  registry.close();
  rmSync(folder, { recursive: true });
  return result;
}

const results = Array.from({ length: rounds }, round);
console.log(`Node ${process.version}, ${rounds} rounds: median (smallest)`);
for (const name of Object.keys(results[0])) {
  const all = results.map((result) => result[name]).sort((a, b) => a - b);
  console.log(`${name.padEnd(52)} ${all[all.length >> 1].toFixed(2).padStart(8)} (${all[0].toFixed(2)})`);
}
