import type { Applied, Calls, ProjectSpec } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { edgesOf, withNeeded } from '../../core/graph/graph.ts';
import { changesOfRuns } from '../../supervisor/intents/executed-changes.ts';
import { apply } from '../../supervisor/intents/intents.ts';
import { endsKnown } from '../../supervisor/intents/known-ends.ts';
import type { Project } from '../../supervisor/project.ts';
import { registryProblems } from '../../supervisor/registry-replaced.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { writeGuard } from '../project/guard-file.ts';
import { forgetEnded, pruneServices } from '../project/remove-project.ts';
import { replaceCopies } from './replace-copies.ts';
import type { StartCall } from './start-services.ts';

/** Where the guard file of a project goes, and the command that it names. */
export interface GuardPlace {
  readonly paths: HomePaths;
  /** argv of the command that talks to this daemon. */
  readonly command: readonly string[];
}

/** `up`: ends copies that were started manually, takes the config over, starts what it names, prunes what has left it, and tells the library what is managed. */
export async function applyProject(
  supervisor: Supervisor,
  place: GuardPlace,
  { project: spec, environment, services, prune, guard }: Calls['apply']['params'],
  { requester, caller }: StartCall,
): Promise<Applied> {
  const declared = { spec, environment, services };
  const replaced = await replaceCopies(supervisor, caller, spec.folder, toStart(spec, services));
  const known = supervisor.findIfKnown({ folder: spec.folder });
  if (known) await endsKnown(supervisor, known);
  const executed = await changesOfRuns(supervisor, declared);
  const applied = apply(supervisor, { ...declared, prune, actor: requester, executed });
  const project = supervisor.find({ folder: spec.folder });
  const removed = forgetEnded(supervisor, project, applied.removed);
  if (prune) await pruneServices(supervisor, project, removed);
  if (guard !== null) guardProject(place, project, guard);
  const { registry, clock } = supervisor.deps;
  return { ...applied, removed, replaced, problems: registryProblems(registry, clock.now()) };
}

/** The named services, else those that start by themselves, with what they need. */
function toStart(spec: ProjectSpec, words: readonly string[]): readonly string[] {
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  const chosen = spec.services.filter(({ name, autostart }) =>
    wanted.size > 0 ? wanted.has(name.toLowerCase()) : autostart,
  );
  return withNeeded(
    edgesOf(spec.services),
    chosen.map(({ name }) => name),
  );
}

function guardProject(
  { paths, command }: GuardPlace,
  { row, services }: Project,
  policy: NonNullable<Calls['apply']['params']['guard']>,
): void {
  const place = row.config ? ['--config', row.config] : ['-C', row.folder];
  const up = [...command, '--home', paths.home, ...place, 'up', '-d'];
  writeGuard(paths, { folder: row.folder, project: row.name, policy, services: [...services.keys()], up });
}
