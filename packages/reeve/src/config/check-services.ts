import { type Condition, KEBAB_PATTERN, NAME_PATTERN, properName, type ServiceSpec } from '@reeve/contract';
import { findCycle } from '../core/graph/graph.ts';
import { nearestName } from '../core/spec/nearest-name.ts';
import { type Complaint, Cursor } from './cursor.ts';
import type { PlacedPort } from './read-ports.ts';
import type { Place } from './tree.ts';

/** A service with where it stands. */
export interface PlacedService {
  readonly spec: ServiceSpec;
  readonly cursor: Cursor;
  readonly ports: readonly PlacedPort[];
}

/** What can only be judged with all services at hand. `services`: the cursor of their map. */
export function checkServices(services: Cursor, placed: readonly PlacedService[]): void {
  checkNames(services);
  const known = new Map(placed.map(({ spec }) => [spec.name, spec]));
  for (const service of placed) if (!services.reading.findings.isFull) checkDependencies(service, known);
  checkCycle(services, placed);
  checkPorts(placed);
  checkGroups(placed);
}

const NAME = 'letters, digits, - and _, not beginning with -, at most 100';

function checkNames(services: Cursor): void {
  const seen = new Map<string, string>();
  for (const { name, key, value } of services.entries()) {
    if (!NAME_PATTERN.test(name))
      value.fault(`"${name.slice(0, 40)}" is not a valid service name`, {
        at: key,
        expected: NAME,
        near: properName(name),
      });
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      value.fault(`"${name}" and "${other}" differ only by case`, {
        at: key,
        expected: 'names that differ in more than case',
      });
    seen.set(name.toLowerCase(), name);
  }
}

function checkDependencies({ spec, cursor }: PlacedService, known: Known): void {
  const seen = new Set<string>();
  for (const { service, condition } of spec.depends_on) {
    const wrong = judgeDependency(spec.name, service, condition, known);
    if (wrong) dependencyPlace(cursor, service).fault(wrong.message, wrong);
    else if (seen.has(service))
      dependencyPlace(cursor, service).fault(`"${service}" is listed twice`, { expected: 'each service once' });
    seen.add(service);
  }
}

type Known = ReadonlyMap<string, ServiceSpec>;
type Wrong = Complaint & { readonly message: string };

function judgeDependency(self: string, service: string, condition: Condition, known: Known): Wrong | null {
  if (service === self) return { message: 'a service cannot depend on itself', expected: 'another service' };
  const target = known.get(service);
  if (target) {
    if (condition !== 'completed' || target.oneshot) return null;
    return {
      message: `"${service}" never completes: it is not a one-shot`,
      expected: `ready, or \`oneshot: true\` in ${service}`,
    };
  }
  const others = [...known.keys()].filter((name) => name !== self);
  const near = nearestName(service, others);
  const expected = `one of ${others.slice(0, 10).join(', ')}`;
  return {
    message: `unknown service "${service}"`,
    near,
    expected: near === null && others.length > 0 ? expected : undefined,
  };
}

/** Where a dependency is named: its key in a map, the last such word in a list. */
function dependencyPlace(
  cursor: Cursor,
  service: string,
): { readonly fault: Cursor['fault']; readonly at: Place | undefined } {
  const block = cursor.key('depends_on');
  const item = block.items().findLast(({ node }) => node?.kind === 'scalar' && node.text === service);
  const entry = block.entries().find(({ name }) => name === service);
  const place = item ?? entry?.value ?? block;
  const at = item?.node?.at ?? entry?.key ?? block.node?.at;
  return { at, fault: (message, complaint) => place.fault(message, { ...complaint, at }) };
}

function checkCycle(services: Cursor, placed: readonly PlacedService[]): void {
  const edges = new Map(
    placed.map(({ spec }) => [spec.name, spec.depends_on.map((d) => d.service).filter((name) => name !== spec.name)]),
  );
  const cycle = findCycle(edges);
  if (!cycle) return;
  const [first, second] = cycle as [string, string];
  const expected = 'an acyclic order: one of them must not wait for the other';
  const { at } = dependencyPlace(services.key(first), second);
  services
    .key(first)
    .key('depends_on')
    .fault(`dependency cycle ${cycle.join(' → ')}`, { at, expected });
}

/** Fixed ports of all instances; udp and tcp do not meet. */
function checkPorts(placed: readonly PlacedService[]): void {
  const owners = new Map<string, string>();
  for (const { spec, cursor, ports } of placed) {
    for (const port of ports) {
      if (port.port === 'auto') continue;
      const last = port.shared ? 0 : spec.instances - 1;
      const fault = (message: string, expected: string): void =>
        new Cursor(undefined, port.path, cursor.reading).fault(message, { at: port.at ?? undefined, expected });
      if (port.port + last > 65_535) fault(`instance ${last} would need port ${port.port + last}`, 'ports up to 65535');
      for (let k = 0; k <= last; k++) {
        const key = `${port.port + k}/${port.protocol}`;
        const mine = last === 0 ? spec.name : `${spec.name}:${k}`;
        const owner = owners.get(key);
        if (owner !== undefined) {
          fault(`port ${port.port + k} is used by both ${owner} and ${mine}`, 'a port of its own, or auto');
          break;
        }
        owners.set(key, mine);
      }
    }
  }
}

function checkGroups(placed: readonly PlacedService[]): void {
  const seen = new Map<string, string>();
  for (const { cursor } of placed) {
    for (const item of cursor.key('groups').items()) {
      const name = item.now();
      if (name === null) continue;
      if (!NAME_PATTERN.test(name))
        item.fault(`"${name.slice(0, 40)}" is not a valid group name`, { expected: NAME, near: properName(name) });
      const other = seen.get(name.toLowerCase()) ?? name;
      if (other !== name)
        item.fault(`the groups "${name}" and "${other}" differ only by case`, { expected: other, near: other });
      seen.set(name.toLowerCase(), other);
    }
  }
}

/** A missed ping, or an interval without the line, is judged as it is: these ask no question. */
const IDLE_BESIDE = {
  watchdog: ['interval', 'timeout', 'retries', 'successes'],
  log: ['timeout', 'successes'],
} as const;

/** Keys that do nothing as the service stands: allowed, since a shared block may hold them, and said by `up`. */
export function noteIdle(placed: readonly PlacedService[]): readonly string[] {
  return placed.flatMap(({ spec, cursor }) => {
    const notes: string[] = [];
    const { name, health, ready, oneshot, restart } = spec;
    if (cursor.key('on_unhealthy').exists && health === null && ready?.kind !== 'notify' && !oneshot)
      notes.push(
        `services.${name}.on_unhealthy: it declares no \`health\`, so this applies only if it reports X_REEVE_HEALTH itself`,
      );
    const kind = health?.check.kind;
    if (kind === 'watchdog' || kind === 'log')
      for (const key of IDLE_BESIDE[kind])
        if (cursor.key('health').key(key).exists)
          notes.push(`services.${name}.health.${key}: has no effect beside ${kind}`);
    if (restart.policy === 'never')
      for (const key of ['backoff', 'limit'])
        if (cursor.key('restart').key(key).exists)
          notes.push(`services.${name}.restart.${key}: has no effect with the policy never`);
    return notes;
  });
}

/** Things that are allowed, but worth knowing. */
export function noteServices(placed: readonly PlacedService[]): readonly string[] {
  return placed.flatMap(({ spec }) => {
    const notes: string[] = [];
    const note = (text: string): void => void notes.push(`services.${spec.name}: ${text}`);
    if (NAME_PATTERN.test(spec.name) && !KEBAB_PATTERN.test(spec.name))
      note('the name is not in kebab-case (web-editor), which ManagedService requires');
    for (const { service, condition } of spec.depends_on) {
      const target = placed.find((one) => one.spec.name === service);
      if (condition === 'healthy' && target && target.spec.health === null)
        note(`depends_on ${service}: healthy means ready, since ${service} declares no \`health\``);
    }
    const { health, instances } = spec;
    if (instances > 1 && health?.check.kind === 'http' && /:\d+(\/|$)/.test(health.check.url))
      note('the health check of every instance uses the same port: use ${ports.NAME} or a /path');
    return notes;
  });
}
