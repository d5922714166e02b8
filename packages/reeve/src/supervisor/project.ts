import { ReeveError, type ServiceSpec } from '@reeve/contract';
import { unmetConditions } from '../core/graph/conditions.ts';
import { edgesOf, type World, type WorldService } from '../core/graph/world.ts';
import type { IntentRow, ProjectRow, ServiceRow } from '../core/registry.ts';
import { Instance } from './instance.ts';
import type { InstanceHost, ProjectFacts } from './instance-handle.ts';
import type { EventRef } from './outbox.ts';

export interface ManagedService {
  row: ServiceRow;
  intent: IntentRow;
  /** The event that told of the intent: what follows from it names it as its cause. */
  wish: EventRef | null;
  /** What the intent came by: `start, by cli:anna:4711`; null: from before this daemon. */
  wantedBy: string | null;
  instances: Instance[];
  /** When the last start was accepted (monotonic): `up` tells how long a service took. */
  acceptedAt: number;
}

/** A project that reeve knows: its services in the order of the config. */
export class Project implements ProjectFacts {
  row: ProjectRow;
  readonly services = new Map<string, ManagedService>();
  readonly #host: InstanceHost;

  constructor(row: ProjectRow, host: InstanceHost) {
    this.row = row;
    this.#host = host;
  }

  /** Takes a service in, or its new spec; instances are made and kept as many as are wanted or still alive. */
  put(row: ServiceRow, intent: IntentRow): ManagedService {
    const known = this.services.get(row.spec.name);
    const service: ManagedService = known ?? { row, intent, wish: null, wantedBy: null, instances: [], acceptedAt: 0 };
    service.row = row;
    service.intent = intent;
    for (const instance of service.instances) instance.takeSpec(row.spec);
    for (let index = service.instances.length; index < row.spec.instances; index++) {
      service.instances.push(new Instance(this, row.spec, index, this.#host));
    }
    this.services.set(row.spec.name, service);
    return service;
  }

  service(name: string): ManagedService {
    const service = this.services.get(name);
    if (!service) throw new ReeveError('SERVICE_UNKNOWN', { name, project: this.row.name });
    return service;
  }

  environmentOf(service: string): Readonly<Record<string, string>> {
    return this.service(service).row.environment;
  }

  rowOf(service: string): ServiceRow {
    return this.service(service).row;
  }

  instances(): readonly Instance[] {
    return [...this.services.values()].flatMap((s) => s.instances);
  }

  world(): World {
    return new Map([...this.services].map(([name, service]) => [name, worldService(service)]));
  }

  edges(): ReadonlyMap<string, readonly string[]> {
    return edgesOf(this.world());
  }

  dependencyThatIsDown(name: string): string | null {
    const world = this.world();
    const service = world.get(name);
    return (service && unmetConditions(world, service)[0]?.why) ?? null;
  }
}

function worldService(service: ManagedService): WorldService {
  const spec: ServiceSpec = service.row.spec;
  return {
    name: spec.name,
    oneshot: spec.oneshot,
    hasHealth: spec.health !== null,
    dependsOn: spec.depends_on,
    want: service.intent.want,
    generation: service.intent.generation,
    wanted: spec.instances,
    instances: service.instances.map((i) => ({
      index: i.index,
      machine: i.machine,
      health: i.health.name,
      lacking: i.lacking,
    })),
  };
}
