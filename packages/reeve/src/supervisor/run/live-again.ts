import type { ProcessIdentity } from '@reeve/contract';
import type { RunRow } from '../../core/registry.ts';
import type { Instance } from '../instance.ts';
import type { LiveRun } from '../instance-handle.ts';
import { otherUser, userOf } from './launch.ts';

/** A run that an earlier daemon started, as its own daemon would have it. `main` null: as the row names it. */
export async function liveAgain(instance: Instance, row: RunRow, main: ProcessIdentity | null): Promise<LiveRun> {
  const { deps } = instance.host;
  const marks = { ...row.marks, main: main ?? row.marks.main };
  const leases = deps.registry.leases.all().filter((l) => l.run === row.run);
  const { project, spec, index } = instance;
  const environment = project.environmentOf(spec.name);
  const [resolved, user] = await resolveAgain(instance, async () => {
    const user = await userOf(instance);
    const input = { project: project.row, spec, environment, index, run: row.run, ports: leases, user };
    return [await deps.resolve(input), otherUser(deps, user)];
  });
  return { row: { ...row, marks }, processes: deps.platform.track(marks), leases, resolved, user };
}

type Surroundings = readonly [LiveRun['resolved'], LiveRun['user']];

/** A config file that has vanished since must not keep a running service from being taken over. */
async function resolveAgain(instance: Instance, resolve: () => Promise<Surroundings>): Promise<Surroundings> {
  try {
    return await resolve();
  } catch (error) {
    instance.host.deps.log.warn(
      { err: error, service: instance.selector },
      'taken over without its checks: its environment cannot be computed now',
    );
    return [
      {
        argv: [],
        cwd: instance.spec.cwd,
        env: {},
        ready: null,
        health: null,
        stop: null,
        cleanup: null,
        secrets: [],
      },
      null,
    ];
  }
}
