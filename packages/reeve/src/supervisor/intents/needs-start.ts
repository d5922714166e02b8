import type { Instance } from '../instance.ts';
import type { ManagedService } from '../project.ts';

/** Runs, is about to, or has done what it was to do. */
export function isOnItsWay(service: ManagedService): boolean {
  return service.instances
    .filter((i) => i.index < service.row.spec.instances)
    .every((instance) => isInstanceOnItsWay(service, instance));
}

function isInstanceOnItsWay(service: ManagedService, instance: Instance): boolean {
  switch (instance.machine.state.name) {
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
      return service.intent.want === 'up';
    case 'stopped':
    case 'failed':
      return instance.machine.generation !== service.intent.generation && service.intent.want === 'up';
  }
}

/** Somebody survived its last stop: a start is refused until they are gone, and not kept for later. */
export function isUnfinished(service: ManagedService): boolean {
  return service.instances.some(({ machine }) => machine.state.name === 'failed' && machine.state.run !== null);
}
