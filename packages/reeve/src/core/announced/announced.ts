import type { AnnouncedAction, ServiceCard, ServicePort, ServiceSpec } from '@reeve/contract';

/** Where an announcement came from: the library, a file that a program dropped, `reeve register`, or sd_notify keys. */
export type Origin = 'library' | 'file' | 'registered' | 'notify';

/**
 * `live`: its process is there. `stale`: it was killed. `stopped`: it ended in order. `unknown`: it names no process,
 * or another user's that cannot be read (hidepid), so only its ports can show it.
 */
export type Liveness = 'live' | 'stale' | 'stopped' | 'unknown';

/** A service that said itself that it is there, as it was found. */
export interface Announced {
  readonly card: ServiceCard;
  readonly origin: Origin;
  /** Where it was read. */
  readonly file: string;
  readonly liveness: Liveness;
  /** `pid`: no start time was given, so nothing is ever signalled on the strength of it. `none`: not even a pid. */
  readonly identity: 'verified' | 'pid' | 'none';
}
/** A file that was passed over, and why (a clause whose subject is the file). */
export interface Ignored {
  readonly file: string;
  readonly why: string;
}

/** Every capability, said by the service or by its announcement. */
export function capabilitiesOf({ capabilities, announcement }: ServiceCard): readonly string[] {
  return [...new Set([...capabilities, ...(announcement?.capabilities ?? [])])];
}

export function dependenciesOf({ dependencies, announcement }: ServiceCard): readonly string[] {
  return [...new Set([...dependencies, ...(announcement?.dependencies ?? [])])];
}

/** Its own ports, and those of what it manages. */
export function portsOf({ ports, announcement }: ServiceCard): readonly ServicePort[] {
  const all = new Map(
    [...ports, ...(announcement?.ports ?? [])].map((port) => [`${port.protocol} ${port.port}`, port]),
  );
  return [...all.values()];
}

/** What can be said of an action: `method` (in the owner, over its socket) or its command; null: none is announced. */
export function actionText(action: AnnouncedAction | null): string | null {
  if (action === null) return null;
  if (action.kind === 'method') return 'method';
  return typeof action.command === 'string' ? action.command : action.command.join(' ');
}

/** What is compared: the config's word and the service's own. */
export type Declaration = Pick<ServiceSpec, 'ports' | 'instances' | 'capabilities' | 'depends_on'>;
export interface Said {
  readonly ports: readonly Pick<ServicePort, 'port' | 'protocol'>[];
  readonly capabilities: readonly string[];
  readonly dependencies: readonly string[];
}

/**
 * Sentences: what the service announces and the config does not know, and what the config declares and a service that
 * announces anything of the kind leaves out. A service that says nothing contradicts nothing.
 */
export function differences(declared: Declaration, said: Said): readonly string[] {
  const declaredPorts = declared.ports.flatMap(({ port, protocol, shared }) =>
    port === 'auto'
      ? []
      : Array.from({ length: shared ? 1 : declared.instances }, (_, k) => portText(port + k, protocol)),
  );
  const hasAuto = declared.ports.some(({ port }) => port === 'auto');
  const ports = said.ports.map(({ port, protocol }) => portText(port, protocol));
  return [
    ...(hasAuto ? [] : compare('port', declaredPorts, ports, 'ports')),
    ...compare('capability', declared.capabilities, said.capabilities, 'capabilities'),
    ...compare(
      'dependency',
      declared.depends_on.map(({ service }) => service),
      said.dependencies,
      'depends_on',
    ),
  ];
}

function compare(word: string, declared: readonly string[], said: readonly string[], key: string): readonly string[] {
  const more = said
    .filter((each) => !has(declared, each))
    .map((each) => `announces ${word} ${each}: not in \`${key}\` of the config`);
  const less =
    said.length === 0
      ? []
      : declared.filter((each) => !has(said, each)).map((each) => `${word} ${each} is declared and not announced`);
  return [...more, ...less];
}

function has(list: readonly string[], wanted: string): boolean {
  return list.some((each) => each.toLowerCase() === wanted.toLowerCase());
}
function portText(port: number, protocol: 'tcp' | 'udp'): string {
  return protocol === 'udp' ? `${port}/udp` : String(port);
}
