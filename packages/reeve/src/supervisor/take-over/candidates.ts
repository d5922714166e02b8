import type { KeptRun } from '@reeve/contract';
import type { FoundRun } from '../../core/interfaces.ts';
import type { Candidate } from '../../core/take-over.ts';
import type { Dependencies } from '../dependencies.ts';
import { servedBy } from '../run/stop-command.ts';

/**
 * Every run that is held outside the registry: the keepers, or living processes by their cookie or cgroup. Stop
 * commands are not runs of their own. A process that only outlived a run that ended as it should is left out.
 */
export async function candidatesOf(
  deps: Pick<Dependencies, 'platform' | 'registry' | 'home' | 'instanceId'>,
  kept: readonly KeptRun[],
): Promise<readonly Candidate[]> {
  const found = new Map((await deps.platform.findRuns(deps.home)).map((run) => [run.run, run]));
  const held = kept.filter(({ run }) => servedBy(run) === null);
  const known = new Set(held.map(({ run }) => run));
  const byKeeper = held.map(
    ({ run, id, process, exit }): Candidate => ({
      run,
      id,
      main: process,
      exit,
      by: 'keeper',
      found: found.get(run) ?? null,
    }),
  );
  const byProcesses = [...found.values()].flatMap((run) => (known.has(run.run) ? [] : (unheld(deps, run) ?? [])));
  return [...byKeeper, ...byProcesses];
}

/** null: it is not known whose it is, or its main process has ended and the registry knows that. */
function unheld(
  { registry, platform, instanceId }: Pick<Dependencies, 'platform' | 'registry' | 'instanceId'>,
  found: FoundRun,
): Candidate | null {
  const { run, named } = found;
  const row = registry.runs.get(run);
  const id = found.id ?? row?.id ?? (named && instanceId(named.folder, named.service, named.index));
  if (id === null) return null;
  const { main } = row?.marks ?? { main: null };
  const isMainAlive = main !== null && platform.isAlive(main);
  if (row !== null && row.ended_at !== null && !isMainAlive) return null;
  return { run, id, main: isMainAlive ? main : found.main, exit: null, by: 'processes', found };
}
