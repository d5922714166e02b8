import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GuardCard } from '@reeve/contract';
import { type HomePaths, instanceId, prepareFolder } from '@reeve/host';

type Place = Pick<HomePaths, 'guard'>;

/** Lets the library know, without a daemon, what to do when a managed service is started manually. Throws what the system says. */
export function writeGuard(paths: Place, card: Omit<GuardCard, 'format'>): void {
  prepareFolder(paths.guard, 'no-other-writes');
  const file = guardFile(paths, card.folder);
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify({ format: 1, ...card } satisfies GuardCard, null, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
  renameSync(draft, file);
}

/** The project is not managed any more. */
export function removeGuard(paths: Place, folder: string): void {
  rmSync(guardFile(paths, folder), { force: true });
}

function guardFile({ guard }: Place, folder: string): string {
  return join(guard, `${instanceId(folder, '', 0)}.json`);
}

/** argv of the command: it lies beside the daemon in the built package. */
export function commandBeside(daemon: readonly string[]): readonly string[] {
  const [node = process.execPath, program = ''] = daemon;
  return [node, join(dirname(program), '..', 'bin', 'reeve.js')];
}
