import { withNeeded } from '../../core/graph/graph.ts';
import { executedChanges } from '../../core/spec/executed.ts';
import type { FieldChange } from '../../core/spec/spec-changes.ts';
import type { Instance } from '../instance.ts';
import { userOf } from '../run/launch.ts';
import type { Supervisor } from '../supervisor.ts';
import type { Declared } from './apply-config.ts';

/**
 * By service: what would be executed otherwise than what runs now, because a file, a secret or the caller's environment
 * has changed. What cannot be computed now is reported by the start that needs it.
 */
export async function changesOfRuns(
  supervisor: Supervisor,
  { spec: project, environment, services }: Declared,
): Promise<ReadonlyMap<string, readonly FieldChange[]>> {
  const known = supervisor.projects.get(project.folder);
  const edges = new Map(project.services.map((s) => [s.name, s.depends_on.map((d) => d.service)]));
  const touched =
    services.length > 0
      ? withNeeded(
          edges,
          services.map((name) => name.replace(/:\d+$/, '')),
        )
      : null;
  const changes = new Map<string, readonly FieldChange[]>();
  for (const spec of project.services) {
    if (touched !== null && !touched.includes(spec.name)) continue;
    const instance = known?.services.get(spec.name)?.instances.find(({ live }) => live?.row.marks.executed);
    if (known === undefined || instance === undefined) continue;
    const start = { project: { ...known.row, ...project, name: known.row.name }, spec, environment };
    changes.set(spec.name, await changesOf(supervisor, instance, start).catch(() => []));
  }
  return changes;
}

type Start = Pick<Parameters<Supervisor['deps']['resolve']>[0], 'project' | 'spec' | 'environment'>;

async function changesOf(supervisor: Supervisor, instance: Instance, start: Start): Promise<readonly FieldChange[]> {
  const { live, index } = instance;
  const before = live?.row.marks.executed;
  if (!live || before === undefined) return [];
  const user = await userOf(instance);
  const after = await supervisor.deps.resolve({ ...start, index, run: live.row.run, ports: live.leases, user });
  return executedChanges({ before, known: live.resolved, after, spec: start.spec });
}
