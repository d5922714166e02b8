import type { StateNamed } from '../../core/lifecycle/types.ts';
import { isWell } from '../../core/restart/restart.ts';
import type { Instance } from '../instance.ts';
import type { ManagedService } from '../project.ts';

/** Runs, is about to, or has done what it was to do. */
export function isOnItsWay(service: ManagedService): boolean {
  return service.instances
    .filter((i) => i.index < service.row.spec.instances)
    .every((instance) => isInstanceOnItsWay(service, instance));
}

function isInstanceOnItsWay(service: ManagedService, instance: Instance): boolean {
  const { state } = instance.machine;
  switch (state.name) {
    case 'waiting':
    case 'spawning':
    case 'starting':
    case 'running':
    case 'paused':
    case 'backoff':
      return true;
    case 'completed':
      return instance.machine.generation === service.intent.generation;
    case 'stopping':
      return service.intent.want === 'up' && leadsOn(service, instance, state);
    case 'stopped':
    case 'failed':
      return instance.machine.generation !== service.intent.generation && service.intent.want === 'up';
  }
}

/**
 * What a run that is ending leads to is what is wanted: another run, or a one-shot that is done. A run that ended by
 * itself is not an answer to the command of now.
 */
function leadsOn(service: ManagedService, instance: Instance, { cause, exit }: StateNamed<'stopping'>): boolean {
  if (instance.machine.generation !== service.intent.generation) return true;
  switch (cause.kind) {
    case 'asked':
    case 'stale':
    case 'dependency':
      return true;
    case 'ended':
      return service.row.spec.oneshot && isWell(exit);
    case 'unhealthy':
    case 'not-ready':
      return false;
  }
}

/** A process survived its last stop: a start is refused until they are gone, and not kept for later. */
export function isUnfinished(service: ManagedService): boolean {
  return service.instances.some(({ machine }) => machine.state.name === 'failed' && machine.state.run !== null);
}
