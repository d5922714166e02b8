import type { ProcessIdentity } from '@reeve/contract';
import type { RunRow } from '../../core/registry.ts';
import type { Lease } from '../dependencies.ts';
import type { Instance } from '../instance.ts';
import type { LiveRun } from '../instance-handle.ts';
import { otherUser, userOf } from './launch.ts';

/**
 * A run that an earlier daemon started, as its own daemon would have it. `main` null: as the row names it. Nothing of
 * the user's is executed: a slow command must not keep everything else unsupervised.
 */
export async function liveAgain(instance: Instance, row: RunRow, main: ProcessIdentity | null): Promise<LiveRun> {
  const { deps } = instance.host;
  const marks = { ...row.marks, main: main ?? row.marks.main };
  // The registry has them by number; the config, and the run's marks, in the order that makes one the first.
  const leases = deps.registry.leases.ofRun(row.run).toSorted(inOrderOf(marks.ports));
  const [resolved, user] = await resolveAgain(instance, row.run, leases, marks.main);
  return { row: { ...row, marks }, processes: deps.platform.track(marks), leases, resolved, user };
}

function inOrderOf(ports: readonly number[]): (a: Lease, b: Lease) => number {
  return (a, b) => ports.indexOf(a.port) - ports.indexOf(b.port);
}

type Surroundings = readonly [LiveRun['resolved'], LiveRun['user']];

/** A config file that has vanished since must not keep a running service from being taken over. */
async function resolveAgain(
  instance: Instance,
  run: string,
  ports: LiveRun['leases'],
  main: ProcessIdentity | null,
): Promise<Surroundings> {
  const { project, spec, index, host } = instance;
  try {
    const user = await userOf(instance);
    const environment = project.environmentOf(spec.name);
    const startedWith = secretsOf(instance, main);
    const input = { project: project.row, spec, environment, index, run, ports, user, startedWith };
    return [await host.deps.resolve(input), otherUser(host.deps, user)];
  } catch (error) {
    host.deps.log.warn(
      { err: error, service: instance.selector },
      'taken over without its checks: its environment cannot be computed now',
    );
    const nothing = { argv: [], env: {}, ready: null, health: null, stop: null, cleanup: null, executed: {} };
    return [{ ...nothing, cwd: spec.cwd, secrets: null }, null];
  }
}

/** As its main process got them. */
function secretsOf({ spec, host }: Instance, main: ProcessIdentity | null): Readonly<Record<string, string>> {
  const names = Object.keys(spec.secrets);
  const environ = main && names.length > 0 ? host.deps.platform.environOf(main) : null;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environ?.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
