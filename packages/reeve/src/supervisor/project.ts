import { ReeveError } from '@reeve/contract';
import { type Dependants, Outlook } from '../core/graph/conditions.ts';
import { type Edges, reverse } from '../core/graph/graph.ts';
import { edgesOf, type World, type WorldInstance, type WorldService } from '../core/graph/world.ts';
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
  /** Shows what is true at the moment of the look: built once for a service, not for each decision. */
  readonly #world = new Map<string, WorldService>();
  #edges: Edges | null = null;
  #dependants: Dependants | null = null;
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
    if (!known) this.#world.set(row.spec.name, worldService(service));
    this.#forgetEdges();
    return service;
  }

  /** Lists the services in this order; others come last, as they were. */
  arrange(names: readonly string[]): void {
    const place = new Map(names.map((name, n) => [name, n]));
    const placeOf = ([name]: readonly [string, unknown]): number => place.get(name) ?? names.length;
    const services = [...this.services].sort((a, b) => placeOf(a) - placeOf(b));
    const world = [...this.#world].sort((a, b) => placeOf(a) - placeOf(b));
    this.services.clear();
    this.#world.clear();
    for (const [name, service] of services) this.services.set(name, service);
    for (const [name, service] of world) this.#world.set(name, service);
    this.#forgetEdges();
  }

  remove(name: string): void {
    this.services.delete(name);
    this.#world.delete(name);
    this.#forgetEdges();
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
    return this.#world;
  }

  /** For one decision: it remembers what it has judged. */
  outlook(): Outlook {
    this.#dependants ??= reverse(this.edges());
    return new Outlook(this.#world, this.#dependants);
  }

  edges(): Edges {
    this.#edges ??= edgesOf(this.#world);
    return this.#edges;
  }

  #forgetEdges(): void {
    this.#edges = null;
    this.#dependants = null;
  }

  dependencyThatIsDown(name: string): string | null {
    const service = this.#world.get(name);
    return (service && this.outlook().unmetConditions(service)[0]?.why) ?? null;
  }
}

function worldService(service: ManagedService): WorldService {
  const instances = new WeakMap<Instance, WorldInstance>();
  const shown = (instance: Instance): WorldInstance => {
    const known = instances.get(instance) ?? worldInstance(instance);
    instances.set(instance, known);
    return known;
  };
  return {
    get name() {
      return service.row.spec.name;
    },
    get oneshot() {
      return service.row.spec.oneshot;
    },
    get hasHealth() {
      return service.row.spec.health !== null;
    },
    get dependsOn() {
      return service.row.spec.depends_on;
    },
    get want() {
      return service.intent.want;
    },
    get generation() {
      return service.intent.generation;
    },
    get wanted() {
      return service.row.spec.instances;
    },
    get instances() {
      return service.instances.map(shown);
    },
  };
}

function worldInstance(instance: Instance): WorldInstance {
  return {
    index: instance.index,
    get machine() {
      return instance.machine;
    },
    get health() {
      return instance.health.name;
    },
    get lacking() {
      return instance.lacking;
    },
  };
}
