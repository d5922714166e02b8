import type { Supervisor } from '../supervisor.ts';
import { releaseRun } from './release-run.ts';
import { servedBy } from './stop-command.ts';

/** What the keepers hold of ended runs that no instance continues: they would never be idle. Failures are logged. */
export async function releaseEnded(supervisor: Supervisor): Promise<void> {
  const { deps } = supervisor;
  const over = deps
    .keptRuns()
    .filter(({ run, exit }) => exit !== null && !supervisor.instanceOfRun(servedBy(run) ?? run));
  await Promise.all(
    over.map(({ run }) =>
      releaseRun(deps, run).catch((err: unknown) =>
        deps.log.warn({ err, run }, 'the keeper did not let go of an ended run'),
      ),
    ),
  );
}
