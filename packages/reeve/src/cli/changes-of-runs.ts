import type { ProjectSpec, ServiceSpec } from '@reeve/contract';
import { resolveNow } from '../config/resolve-now.ts';
import type { Registry } from '../core/registry.ts';
import { filterEnvironment } from '../core/spec/environment.ts';
import { executedChanges } from '../core/spec/executed.ts';
import type { FieldChange } from '../core/spec/spec-changes.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import { withMemory } from './memory.ts';

/**
 * By service: what `up` from here would execute otherwise than what runs now. As another user a service has other
 * variables, which only the daemon knows: its `up` tells of them.
 */
export async function changesOfRuns(
  context: Context,
  project: ProjectSpec,
): Promise<ReadonlyMap<string, readonly FieldChange[]>> {
  const changes = new Map<string, readonly FieldChange[]>();
  await withMemory(context, async (registry) => {
    for (const spec of project.services.filter(({ user }) => user === null))
      changes.set(spec.name, await changesOf(context, registry, project, spec).catch(() => []));
  });
  return changes;
}

async function changesOf(
  context: Context,
  registry: Registry,
  project: ProjectSpec,
  spec: ServiceSpec,
): Promise<readonly FieldChange[]> {
  const [row] = registry.runs.of(project.folder, spec.name, 0, 1);
  const before = row?.marks.executed;
  if (row === undefined || row.ended_at !== null || before === undefined) return [];
  const known = registry.projects.all().find(({ folder }) => folder === project.folder);
  const after = await resolveNow(pathsOf(context), {
    project: { ...project, name: known?.name ?? project.name },
    spec,
    environment: filterEnvironment(context.io.env),
    index: 0,
    run: row.run,
    ports: registry.leases.ofRun(row.run),
    user: null,
  });
  return executedChanges({ before, known: null, after, spec });
}
