import type { Requester } from '@reeve/contract';
import type { Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';

/** Who asked for what: in the audit log, in the transaction of the caller. */
export function audit(
  supervisor: Supervisor,
  actor: Requester,
  action: string,
  project: Project,
  services: readonly string[],
): void {
  const { registry, clock } = supervisor.deps;
  registry.audit.append({
    at: clock.now(),
    actor: describeActor(actor),
    action,
    target: `${project.row.name}: ${services.join(', ')}`,
    reason: null,
    outcome: 'accepted',
  });
}

/** As intents and the audit log name the requester: `cli:anna:4711`. */
export function describeActor(actor: Requester): string {
  return `${actor.kind}:${actor.user}:${actor.pid}`;
}
