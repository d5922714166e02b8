import type { ServicePort, ServiceSpec } from '@reeve/contract';
import {
  type Announced,
  actionText,
  capabilitiesOf,
  dependenciesOf,
  differences,
  type Liveness,
  portsOf,
} from './announced.ts';

/** One announcement, as `advertisements` shows it. */
export interface Advertisement {
  readonly name: string;
  readonly project: string;
  /** Who says it: the library, a dropped file, `register`, sd_notify keys, or the config. */
  readonly origin: Announced['origin'] | 'config';
  readonly liveness: Liveness | 'declared';
  readonly identity: Announced['identity'] | null;
  readonly pid: number | null;
  readonly title: string | null;
  readonly description: string;
  /** What it manages, for people. */
  readonly processes: readonly string[];
  readonly ports: readonly (ServicePort & { readonly listening: boolean })[];
  readonly dependencies: readonly string[];
  readonly capabilities: readonly string[];
  /** `method`: in the service itself; else the command; null: none. */
  readonly start: string | null;
  readonly cleanup: string | null;
  readonly cleanup_timeout: number | null;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** What it announces and its config does not say, and the other way round: sentences. */
  readonly differences: readonly string[];
  /** Commands that show whether it is true. */
  readonly validate: readonly string[];
}
/** What to do, for people who read top to bottom. */
export interface GuideEntry {
  readonly kind: 'pattern' | 'next' | 'validation';
  readonly title: string;
  readonly steps: readonly string[];
  readonly commands: readonly string[];
}
/** A declared service, of a project that reeve knows or whose config lies here. */
export interface DeclaredService {
  readonly project: string;
  readonly folder: string;
  readonly spec: ServiceSpec;
}

type IsListening = (port: number, protocol: 'tcp' | 'udp') => boolean;

export function advertisementsOf(
  announced: readonly Announced[],
  declared: readonly DeclaredService[],
  isListening: IsListening,
): readonly Advertisement[] {
  const said = announced.map((each) => announcedRow(each, declaredFor(each, declared), isListening));
  const fromConfig = declared
    .filter(({ spec }) => spec.capabilities.length > 0 || spec.cleanup)
    .filter((each) => !announced.some((other) => isOf(other, each)))
    .map((each) => configRow(each, isListening));
  return [...said, ...fromConfig];
}

/** The pattern that has proved itself, the next step of every service that says nothing yet, and how to validate each. */
export function guideOf(rows: readonly Advertisement[], declared: readonly DeclaredService[]): readonly GuideEntry[] {
  const silent = declared.filter(
    ({ project, spec }) => !rows.some((row) => row.project === project && same(row.name, spec.name)),
  );
  return [PATTERN, ...silent.map(nextStep), ...rows.map(validation)];
}

const PATTERN: GuideEntry = {
  kind: 'pattern',
  title: 'A service that says who it is',
  steps: [
    'One name for each service, in kebab-case; the title of its process is <project>-<name>.',
    'In Node: extend ManagedService, say register({ port, version }), and announceProcessManagement({ ports, cleanup, dependencies, capabilities }).',
    'In another language under reeve: send X_REEVE_PORTS, X_REEVE_DEPENDS, X_REEVE_CAPABILITIES and X_REEVE_CLEANUP over NOTIFY_SOCKET.',
    'In a shell script: write a file to $REEVE_HOME/announce/, or call reeve register.',
    'In the config: description, capabilities, and cleanup: { command, timeout }.',
  ],
  commands: ['reeve ps --all', 'reeve advertisements', 'reeve cleanup --all'],
};

function nextStep({ project, spec }: DeclaredService): GuideEntry {
  const { name } = spec;
  return {
    kind: 'next',
    title: `${project}/${name} does not announce yet`,
    steps: [
      `Add \`capabilities\` and \`cleanup: { command }\` to ${name} in the config, if it leaves anything behind.`,
      `Or let it say so itself: ManagedService in Node, X_REEVE_* keys over NOTIFY_SOCKET in any language.`,
      ...(spec.description === '' ? [`Give it a \`description\`: people read it here.`] : []),
    ],
    commands: [`reeve register ${name} --cleanup COMMAND`, `reeve status ${name}`, 'reeve advertisements'],
  };
}

function validation({ project, name, liveness, validate }: Advertisement): GuideEntry {
  const isGone = liveness === 'stale' || liveness === 'stopped';
  const steps = isGone
    ? ['Its process is gone: start it again, or forget it.']
    : ['These commands show whether what it says is true.'];
  return {
    kind: 'validation',
    title: `${project}/${name}`,
    steps,
    commands: isGone ? [`reeve unregister ${name} --project ${project}`] : validate,
  };
}

function announcedRow(each: Announced, declared: DeclaredService | null, isListening: IsListening): Advertisement {
  const { card, origin, liveness, identity } = each;
  const said = { ports: portsOf(card), capabilities: capabilitiesOf(card), dependencies: dependenciesOf(card) };
  const { announcement } = card;
  return {
    name: card.service,
    project: card.project,
    origin,
    liveness,
    identity,
    pid: card.pid > 1 ? card.pid : null,
    title: card.title,
    description: card.description || announcement?.description || '',
    processes: announcement?.processes ?? [],
    ...said,
    ports: said.ports.map((port) => ({ ...port, listening: isListening(port.port, port.protocol) })),
    start: actionText(announcement?.start ?? null),
    cleanup: actionText(announcement?.cleanup ?? null),
    cleanup_timeout: announcement?.cleanup ? announcement.cleanup_timeout : null,
    data: card.data,
    differences: declared === null ? [] : differences(declared.spec, said),
    validate: validateOf(card.project, card.service, said.ports),
  };
}

function configRow({ project, spec }: DeclaredService, isListening: IsListening): Advertisement {
  const ports = spec.ports.flatMap(({ name, port, protocol }) => (port === 'auto' ? [] : [{ name, port, protocol }]));
  return {
    name: spec.name,
    project,
    origin: 'config',
    liveness: 'declared',
    identity: null,
    pid: null,
    title: null,
    description: spec.description,
    processes: [],
    ports: ports.map((port) => ({ ...port, listening: isListening(port.port, port.protocol) })),
    dependencies: spec.depends_on.map(({ service }) => service),
    capabilities: spec.capabilities,
    start: spec.command.text,
    cleanup: spec.cleanup?.command.text ?? null,
    cleanup_timeout: spec.cleanup?.timeout ?? null,
    data: null,
    differences: [],
    validate: validateOf(project, spec.name, ports),
  };
}

function validateOf(project: string, name: string, ports: readonly Pick<ServicePort, 'port'>[]): readonly string[] {
  return [`reeve status ${name} --project ${project}`, ...ports.map(({ port }) => `reeve ports ${port}`)];
}

function declaredFor(each: Announced, declared: readonly DeclaredService[]): DeclaredService | null {
  return declared.find((other) => isOf(each, other)) ?? null;
}
function isOf({ card }: Announced, { folder, spec }: DeclaredService): boolean {
  return card.folder === folder && same(card.service, spec.name);
}
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
