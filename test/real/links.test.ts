import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { daemonOf, keeperOf, kill } from '../harness/victims.ts';

/** What reeve opens in its home, and the command that does. `{log}`: the log folder of the service. */
const OPENED: readonly (readonly [string, readonly string[]])[] = [
  ['reeve.db', ['ps']],
  ['reeve.db', ['daemon', 'start']],
  ['reeve.db-wal', ['ps']],
  ['daemon.err', ['daemon', 'start']],
  ['daemon.log', ['daemon', 'start']],
  ['daemon.log', ['daemon', 'logs']],
  ['run', ['daemon', 'start']],
  ['run/daemon.lock', ['daemon', 'start']],
  ['run/keeper.lock', ['daemon', 'start']],
  ['keeper', ['daemon', 'start']],
  ['keeper/journal.ndjson', ['daemon', 'start']],
  ['keeper/keeper.log', ['daemon', 'start']],
  ['keepers', ['daemon', 'start']],
  ['keepers/1', ['daemon', 'start']],
  ['fifo', ['daemon', 'start']],
  ['announce', ['advertisements']],
  ['guard', ['up', '-d']],
  ['logs', ['daemon', 'start']],
  ['logs', ['logs', 'a']],
  ['{log}', ['logs', 'a']],
  ['{log}/out.000001.log', ['logs', 'a']],
  ['{log}/out.000001.idx', ['logs', 'a']],
];

/** The command goes without it, and says so. */
const PASSED_OVER = ['announce', '{log}/out.000001.log'];

/** Puts a link in its place, and back. `elsewhere` is where it leads. */
function linkInstead(file: string, elsewhere: string): () => void {
  const isThere = existsSync(file);
  if (isThere) renameSync(file, elsewhere);
  else mkdirSync(elsewhere, { recursive: true });
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  symlinkSync(elsewhere, file);
  return () => {
    rmSync(file);
    if (isThere) renameSync(elsewhere, file);
    else rmSync(elsewhere, { recursive: true });
  };
}

const statOf = (file: string) => {
  const { mode, size, mtimeMs } = statSync(file);
  return { mode, mtimeMs, size };
};

test('U36: whatever reeve opens in its home is refused where a link lies in its place', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['daemon', 'stop', '--with-services'])).code).toBe(0);
  const [id = ''] = readdirSync(path.join(reeve.home, 'logs'));
  const elsewhere = path.join(reeve.folder, 'elsewhere');
  const told: unknown[] = [];
  for (const [name, args] of OPENED) {
    const file = path.join(reeve.home, name.replace('{log}', `logs/${id}`));
    const back = linkInstead(file, elsewhere);
    const before = statOf(elsewhere);
    const { code, stdout, stderr } = await reeve.run(args);
    const isKept = JSON.stringify(statOf(elsewhere)) === JSON.stringify(before);
    const said = /symbolic link/.exec(stdout + stderr)?.[0] ?? stdout + stderr;
    told.push([name, args.join(' '), code !== 0 || PASSED_OVER.includes(name), said, isKept]);
    back();
    await until('neither daemon nor keeper is left', () => {
      const left = [daemonOf(reeve), keeperOf(reeve)];
      for (const pid of left) kill(pid);
      return left.every((pid) => pid === undefined);
    });
  }
  expect(told).toEqual(OPENED.map(([name, args]) => [name, args.join(' '), true, 'symbolic link', true]));
});
