import type { RunOrigin } from '@reeve/contract';
import type { ProjectRow, ServiceRow } from '../../core/registry.ts';
import { bareSpec } from '../../core/spec/bare-spec.ts';
import type { Candidate } from '../../core/take-over.ts';
import type { Dependencies } from '../dependencies.ts';

/** Whose a run is, as it tells itself. */
export interface KnownRun {
  readonly project: ProjectRow;
  readonly service: ServiceRow;
  readonly index: number;
  /** What its keeper recorded; null: only its processes show it. */
  readonly origin: RunOrigin | null;
}

/**
 * From its keeper, else from the environment of its processes; null: neither tells. A service that only its processes
 * tell of has no config that we know: the next `up` brings it, and takes the process as it is.
 */
export async function knownRunOf(
  { keeper }: Pick<Dependencies, 'keeper'>,
  { run, by, found }: Candidate,
): Promise<KnownRun | null> {
  const origin = by === 'keeper' ? await (await keeper(run)).describe(run) : null;
  if (origin !== null) return fromOrigin(origin);
  if (!found?.named) return null;
  const { folder, project, service, index } = found.named;
  return {
    project: { folder, name: project, config: null, env: {}, env_files: [] },
    service: {
      folder,
      name: service,
      spec: bareSpec(service, found.words, found.cwd),
      environment: {},
      managed_by: 'adopted',
      data: null,
      in_config: true,
    },
    index,
    origin: null,
  };
}

function fromOrigin(origin: RunOrigin): KnownRun {
  const { project, spec, environment, managed_by, index } = origin;
  const { folder } = project;
  const service = { folder, name: spec.name, spec, environment, managed_by, data: null, in_config: true };
  return { project, service, index, origin };
}
