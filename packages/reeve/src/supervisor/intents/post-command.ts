import type { Command } from '../../core/graph/reconcile.ts';
import type { EventRef } from '../outbox.ts';
import type { ManagedService, Project } from '../project.ts';

/**
 * Tells an instance what the loop has decided for it. Each command follows from something: a wish, or what has happened
 * to a dependency.
 */
export function postCommand(project: Project, command: Command, newRunId: () => string): void {
  const service = project.service(command.service);
  const instance = service.instances[command.index];
  if (!instance) return;
  switch (command.do) {
    case 'start': {
      const isNew = instance.machine.generation !== command.generation;
      instance.follow(isNew ? (lastOf(project, instance.heldBy) ?? service.wish) : lastOf(project, instance.heldBy));
      instance.heldBy = [];
      instance.post({ name: 'start', run: newRunId(), generation: command.generation });
      return;
    }
    case 'hold':
      instance.heldBy = command.roots;
      instance.follow(lastOf(project, command.roots) ?? service.wish);
      instance.post({ name: 'hold', why: command.why, hopeless: command.hopeless });
      return;
    case 'lose':
      instance.follow(lastOf(project, command.roots));
      instance.post({ name: 'lost', why: command.why, action: command.action });
      return;
    case 'regain':
      instance.follow(lastOf(project, dependenciesOf(service)));
      instance.post({ name: 'regained' });
      return;
    case 'stop':
      instance.follow(service.wish);
      instance.post({ name: 'stop', cause: { kind: command.cause } });
      return;
  }
}

/** The newest event among these services' instances. */
function lastOf(project: Project, names: readonly string[]): EventRef | null {
  const refs = names
    .flatMap((name) => project.services.get(name)?.instances ?? [])
    .flatMap(({ last }) => (last ? [last] : []));
  // Without a number: told in this turn, and so the newest.
  return refs.find((ref) => ref.seq === null) ?? refs.toSorted((a, b) => (b.seq ?? 0) - (a.seq ?? 0))[0] ?? null;
}

function dependenciesOf(service: ManagedService): readonly string[] {
  return service.row.spec.depends_on.filter((d) => d.on_down !== 'ignore').map((d) => d.service);
}
