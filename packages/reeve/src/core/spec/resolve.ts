import type {
  CommandCheck,
  CommandSpec,
  HealthSpec,
  HttpCheck,
  LogCheck,
  ReadySpec,
  ServiceSpec,
  TcpCheck,
} from '@reeve/contract';
import { type BuiltEnvironment, buildEnvironment, type EnvMap, type InstancePort, type Layers } from './environment.ts';
import { type BadReference, interpolate, lookupIn, parseTemplate, type Scope } from './interpolate.ts';
import { placeValues } from './shell-values.ts';

export interface ResolveInput {
  readonly spec: ServiceSpec;
  readonly project: { readonly name: string; readonly folder: string; readonly env: EnvMap };
  /** Contents of the env files, read for this start, in the order of the spec. */
  readonly files: { readonly project: readonly EnvMap[]; readonly service: readonly EnvMap[] };
  /** The filtered environment of the `up` or `start` that last applied the service. */
  readonly base: EnvMap;
  /** This instance's leased ports, in the order of the spec. */
  readonly ports: readonly InstancePort[];
  readonly instance: number;
  /** `reeveVariables(…)`. */
  readonly reeve: EnvMap;
  readonly user: Layers['user'];
  /** Values of the declared secrets, fetched for this start. */
  readonly secrets: EnvMap;
}

/** One instance's surroundings with every `${…}` replaced. */
export interface ResolvedService {
  /** What to execute; a shell command is `[shell, '-c', script]`. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly ready: ReadySpec | null;
  readonly health: HealthSpec | null;
  /** What `stop.command` executes; null: there is none. */
  readonly stop: readonly string[] | null;
  /** What `cleanup.command` executes; null: there is none. */
  readonly cleanup: readonly string[] | null;
}
export type Resolved =
  | { readonly ok: true; readonly service: ResolvedService }
  /** Sentences: what cannot be replaced, and where. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Thrown and caught in this file only: the first string that cannot be replaced ends the rest. */
class Unresolved extends Error {}

/** Where a secret is fetched from, as of this start: a file, or a command's words. */
export type ResolvedSecret =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] };
export interface SecretSources {
  readonly sources: Readonly<Record<string, ResolvedSecret>>;
  /** What commands are executed with: the service's environment, but for its secrets. */
  readonly env: EnvMap;
}

/** The secrets' own strings, with `${…}` replaced from the environment without secrets. Throws a sentence. */
export function resolveSecrets(input: Omit<ResolveInput, 'secrets'>): SecretSources {
  const { env, scope } = environmentIn({ ...input, secrets: {} });
  const fill = filler(scope);
  const resolved = Object.entries(input.spec.secrets).map(([name, source]): [string, ResolvedSecret] => {
    const where = `secrets.${name}`;
    if (source.kind === 'file')
      return [name, { kind: 'file', path: absolute(input.project.folder, fill(where, source.path)) }];
    return [name, { kind: 'command', argv: argvOf(resolveCommand(where, source.command, fill)) }];
  });
  return { sources: Object.fromEntries(resolved), env };
}

export function resolveService(input: ResolveInput): Resolved {
  const built = environmentIn(input);
  if (built.bad.length > 0) return { ok: false, problems: built.bad.map((b) => sentence(`env.${b.variable}`, b.bad)) };
  try {
    return { ok: true, service: { ...strings(input, built.scope), env: built.env } };
  } catch (error) {
    if (error instanceof Unresolved) return { ok: false, problems: [error.message] };
    throw error;
  }
}

/** `PWD` is the working folder, which may itself be made of variables; the caller's folders are none of a service's. */
function environmentIn(input: ResolveInput): BuiltEnvironment {
  const { OLDPWD: _, PWD: __, ...base } = input.base;
  const first = environmentOf(input, base);
  const filled = interpolate(input.spec.cwd, lookupIn(first.scope));
  if (!filled.ok) return first;
  const PWD = absolute(input.project.folder, filled.text);
  const built = environmentOf(input, { ...base, PWD });
  return { ...built, env: { ...built.env, PWD }, scope: { ...built.scope, env: { ...built.scope.env, PWD } } };
}

function environmentOf(input: ResolveInput, base: EnvMap): BuiltEnvironment {
  return buildEnvironment({
    base,
    user: input.user,
    ports: input.ports,
    projectFiles: input.files.project,
    projectEnv: input.project.env,
    serviceFiles: input.files.service,
    serviceEnv: input.spec.env,
    secrets: input.secrets,
    reeve: input.reeve,
    instance: input.instance,
    project: input.project.name,
  });
}

type Fill = (where: string, text: string) => string;

function strings(input: ResolveInput, scope: Scope): Omit<ResolvedService, 'env'> {
  const { spec } = input;
  const fill = filler(scope);
  const checks = { fill, ports: portMap(input) };
  return {
    argv: argvOf(resolveCommand('command', spec.command, fill)),
    cwd: absolute(input.project.folder, fill('cwd', spec.cwd)),
    ready: spec.ready && resolveReady(spec.ready, checks),
    health: spec.health && { ...spec.health, check: resolveCheck('health', spec.health.check, checks) },
    stop: spec.stop.command ? argvOf(resolveCommand('stop.command', spec.stop.command, fill)) : null,
    cleanup: spec.cleanup ? argvOf(resolveCommand('cleanup.command', spec.cleanup.command, fill)) : null,
  };
}

function filler(scope: Scope): Fill {
  return (where, text) => {
    const filled = interpolate(text, lookupIn(scope));
    if (filled.ok) return filled.text;
    throw new Unresolved(sentence(where, filled.bad[0]));
  };
}

const sentence = (where: string, bad: BadReference | undefined): string => `${where}: ${bad?.written} ${bad?.why}`;

/** How it is executed was decided on the text as written; a value is one word, or part of one, whatever it holds. */
function resolveCommand(where: string, command: CommandSpec, fill: Fill): CommandSpec {
  const { how } = command;
  if (how.kind === 'shell') return { ...command, how: resolveScript(where, how, fill) };
  const argv = how.argv.map((word) => fill(where, word));
  if (argv[0] === '') throw new Unresolved(`${where}: the program to run is an empty word`);
  return { ...command, how: { kind: 'argv', argv } };
}

type ShellHow = Extract<CommandSpec['how'], { readonly kind: 'shell' }>;

function resolveScript(where: string, how: ShellHow, fill: Fill): CommandSpec['how'] {
  const template = parseTemplate(how.script);
  if (!template.ok) throw new Unresolved(sentence(where, template.bad));
  const placed = placeValues(how.shell, template.pieces, (written) => fill(where, written));
  if (!placed.ok) throw new Unresolved(`${where}: ${placed.why}`);
  return { kind: 'argv', argv: placed.argv };
}

function argvOf({ how }: CommandSpec): readonly string[] {
  return how.kind === 'argv' ? how.argv : [how.shell, '-c', how.script];
}

function absolute(folder: string, path: string): string {
  return path.startsWith('/') ? path : `${folder}/${path}`;
}

interface Checks {
  readonly fill: Fill;
  readonly ports: PortMap;
}
interface PortMap {
  readonly hasTcp: boolean;
  /** A declared port → this instance's. */
  readonly declared: ReadonlyMap<number, number>;
}

function portMap({ spec, ports }: ResolveInput): PortMap {
  const declared = new Map<number, number>();
  spec.ports.forEach((port, index) => {
    const mine = ports[index];
    if (port.port !== 'auto' && port.protocol === 'tcp' && mine) declared.set(port.port, mine.port);
  });
  return { hasTcp: ports.some((port) => port.protocol === 'tcp'), declared };
}

function resolveReady(ready: ReadySpec, checks: Checks): ReadySpec {
  switch (ready.kind) {
    case 'delay':
    case 'notify':
    case 'ipc':
    case 'fd':
      return ready;
    case 'http':
    case 'tcp':
    case 'command':
    case 'log':
      return resolveCheck('ready', ready, checks);
  }
}

function resolveCheck<C extends HealthSpec['check']>(where: string, check: C, checks: Checks): C;
function resolveCheck(where: string, check: HealthSpec['check'], { fill, ports }: Checks): HealthSpec['check'] {
  switch (check.kind) {
    case 'http':
      return resolveHttp(where, check, { fill, ports });
    case 'tcp':
      return resolveTcp(where, check, { fill, ports });
    case 'command':
      return { ...check, command: resolveCommand(`${where}.command`, check.command, fill) } satisfies CommandCheck;
    case 'log':
      return { ...check, pattern: fill(`${where}.log`, check.pattern) } satisfies LogCheck;
    case 'watchdog':
      return check;
  }
}

/** A `/path` stays one: it is asked where the instance is seen to listen on its first TCP port. */
function resolveHttp(where: string, check: HttpCheck, { fill, ports }: Checks): HttpCheck {
  const url = fill(`${where}.http`, check.url);
  const body = check.body === null ? null : fill(`${where}.body`, check.body);
  if (url.startsWith('/') && !ports.hasTcp)
    throw new Unresolved(`${where}.http: ${url} needs a TCP port of the service, and it has none`);
  return { ...check, url, body };
}

/** A declared port written as a number means this instance's port. */
function resolveTcp(where: string, check: TcpCheck, { fill, ports }: Checks): TcpCheck {
  const address = fill(`${where}.tcp`, check.address);
  const mine = check.address === address ? ports.declared.get(Number(address)) : undefined;
  return { ...check, address: mine === undefined ? address : String(mine) };
}
