import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { TestReeve } from './reeve.ts';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * Copies examples/tournament into the test's project folder, with free ports in place of its own, so that tests run
 * side by side and beside an `npm start`. Returns the ports by service.
 */
export async function tournament(
  reeve: TestReeve,
): Promise<{ readonly db: number; readonly api: number; readonly web: number }> {
  copy('tournament', reeve.folder);
  symlinkSync(path.join(root, 'node_modules'), path.join(reeve.folder, 'node_modules'));
  const ports = { db: await reeve.port(), api: await reeve.port(), web: await reeve.port() };
  moveTournament(reeve.folder, ports);
  return ports;
}

/** Gives a copy of the example other ports. */
export function moveTournament(folder: string, ports: Readonly<Record<'db' | 'api' | 'web', number>>): void {
  const file = path.join(folder, 'reeve.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, replacePorts(text, { 5543: ports.db, 8082: ports.api, 8081: ports.web }));
}

/** Gives a copy of one side of examples/migration other ports, in every file that has them. */
export function moveMigration(folder: string, ports: Readonly<Record<'web' | 'preview', number>>): void {
  for (const [old, port, names] of [
    [8080, ports.web, ['web.js', 'reeve.yaml']],
    [8090, ports.preview, ['preview.js', 'preview.sh', 'reeve.yaml']],
  ] as const) {
    for (const file of names.map((name) => path.join(folder, name)).filter((name) => existsSync(name))) {
      writeFileSync(file, replacePorts(readFileSync(file, 'utf8'), { [old]: port }));
    }
  }
}

/**
 * Copies examples/stack into the test's project folder. Returns its ports, and the environment to run `up` with (an
 * ordinary user runs PostgreSQL as itself).
 */
export async function stack(reeve: TestReeve): Promise<{
  readonly postgres: number;
  readonly redis: number;
  readonly http: number;
  readonly env: Readonly<Record<string, string>>;
}> {
  copy('stack', reeve.folder);
  const ports = { postgres: await reeve.port(), redis: await reeve.port(), http: await reeve.port() };
  const env = { PG_PORT: `${ports.postgres}`, REDIS_PORT: `${ports.redis}`, HTTP_PORT: `${ports.http}` };
  const user = process.getuid?.() === 0 ? {} : { STACK_USER: userInfo().username };
  return { ...ports, env: { ...env, ...user } };
}

function copy(name: string, to: string): void {
  const from = path.join(root, 'examples', name);
  cpSync(from, to, { recursive: true, filter: (file) => !/\/(data|node_modules)$/.test(file.slice(from.length)) });
}

/** Every one of the example's ports must be found: an example that changed would otherwise share ports with others. */
function replacePorts(text: string, ports: Readonly<Record<string, number>>): string {
  const missing = Object.keys(ports).filter((old) => !text.includes(old));
  if (missing.length > 0) throw new Error(`the example has no port ${missing} any more: fix test/harness/example.ts`);
  return text.replace(/\b\d{4}\b/g, (number) => `${ports[number] ?? number}`);
}
