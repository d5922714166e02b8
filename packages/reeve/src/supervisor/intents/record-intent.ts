import type { Accepted, Requester } from '@reeve/contract';
import { withNeeded } from '../../core/graph/graph.ts';
import type { IntentRow } from '../../core/registry.ts';
import type { FieldChange } from '../../core/spec/spec-changes.ts';
import { describeActor } from '../audit.ts';
import type { ManagedService, Project } from '../project.ts';
import type { Supervisor } from '../supervisor.ts';
import { isUnfinished } from './needs-start.ts';

interface Wish {
  /** The command: `up`, `stop`, … */
  readonly action: string;
  /** What `up` found changed in the config. */
  readonly changes?: readonly FieldChange[];
}

/** Wants services up, with what they need, each anew where `needsNew` says so. */
export function wantUp(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Requester,
  needsNew: (service: ManagedService) => boolean,
  wish: Omit<Wish, 'changes'> & { readonly changesOf?: (service: ManagedService) => readonly FieldChange[] },
): Accepted {
  const order = withNeeded(project.edges(), names);
  const already: string[] = [];
  for (const name of order) {
    const service = project.service(name);
    service.acceptedAt = supervisor.deps.clock.monotonic();
    if (isUnfinished(service)) continue;
    if (service.intent.want === 'up' && !needsNew(service)) already.push(name);
    else {
      saveIntent(supervisor, service, 'up', service.intent.generation + 1, actor);
      const changes = wish.changesOf?.(service) ?? [];
      supervisor.decided.push(() => tellWish(supervisor, project, service, { action: wish.action, changes }));
    }
  }
  return { project: project.row.name, services: order, already };
}

export function wantDown(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Requester,
  action: string,
): void {
  for (const name of names) {
    const service = project.service(name);
    const isNews = service.intent.want === 'up';
    saveIntent(supervisor, service, 'down', service.intent.generation, actor);
    if (isNews) supervisor.decided.push(() => tellWish(supervisor, project, service, { action }));
  }
}

/** A full disk must not keep anything running: the wish is written down as soon as there is room. */
export function wantDownFromMemory(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Requester,
  action: string,
): void {
  const { deps, outbox } = supervisor;
  for (const name of names) {
    const service = project.service(name);
    service.intent = { ...service.intent, want: 'down', at: deps.clock.now(), by: describeActor(actor) };
    outbox.row(`intent ${project.row.folder} ${name}`, () => deps.registry.intents.save(service.intent));
    tellWish(supervisor, project, service, { action });
  }
}

function saveIntent(
  supervisor: Supervisor,
  service: ManagedService,
  want: IntentRow['want'],
  generation: number,
  actor: Requester,
): void {
  const intent: IntentRow = {
    ...service.intent,
    want,
    generation,
    at: supervisor.deps.clock.now(),
    by: describeActor(actor),
  };
  supervisor.deps.registry.intents.save(intent);
  service.intent = intent;
}

/** What was wanted, by whom: the root of what follows from it. */
function tellWish(supervisor: Supervisor, project: Project, service: ManagedService, wish: Wish): void {
  const { want, by } = service.intent;
  const changes = wish.changes ?? [];
  const fields = changes.map(({ field }) => field).join(', ');
  service.wantedBy = `${wish.action}, by ${by}`;
  service.wish = supervisor.outbox.event(
    {
      at: supervisor.deps.clock.now(),
      folder: project.row.folder,
      project: project.row.name,
      service: service.row.spec.name,
      instance: null,
      run: null,
      event: 'service.wanted',
      message: `wanted ${want}: ${service.wantedBy}${fields && `; the config has changed: ${fields}`}`,
      data: { want, action: wish.action, by, changes },
    },
    null,
  );
}
