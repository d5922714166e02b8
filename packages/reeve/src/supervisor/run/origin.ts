import type { RunOrigin } from '@reeve/contract';
import type { RunRow } from '../../core/registry.ts';
import type { Lease } from '../dependencies.ts';
import type { Actor } from '../instance-handle.ts';

/** What the keeper keeps of a run for a daemon that has lost its registry. See docs/decisions/0014. */
export function originOf({ project, spec, index }: Actor, row: RunRow, leases: readonly Lease[]): RunOrigin {
  const { folder, name, config, env, env_files } = project.row;
  const { environment, managed_by } = project.rowOf(spec.name);
  const { marks, generation, started_at } = row;
  return {
    project: { folder, name, config, env, env_files },
    spec,
    environment,
    managed_by,
    index,
    generation,
    started_at,
    ports: leases.map((lease) => ({ name: lease.name, port: lease.port, protocol: lease.protocol })),
    cgroup: marks.witness.cgroup,
    mark: marks.mark,
  };
}
