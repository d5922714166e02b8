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
import { decideCommand, isGivenInWords } from './command-line.ts';
import { type BuiltEnvironment, buildEnvironment, type EnvMap, type InstancePort, type Layers } from './environment.ts';
import { type BadReference, interpolate, lookupIn, type Scope } from './interpolate.ts';

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
  const { env, scope } = environmentOf({ ...input, secrets: {} });
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
  const built = environmentOf(input);
  if (built.bad.length > 0) return { ok: false, problems: built.bad.map((b) => sentence(`env.${b.variable}`, b.bad)) };
  try {
    return { ok: true, service: { ...strings(input, built.scope), env: built.env } };
  } catch (error) {
    if (error instanceof Unresolved) return { ok: false, problems: [error.message] };
    throw error;
  }
}

function environmentOf(input: ResolveInput): BuiltEnvironment {
  return buildEnvironment({
    base: input.base,
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

/** Words stand; a string is judged as it will run, with its values in it. */
function resolveCommand(where: string, command: CommandSpec, fill: Fill): CommandSpec {
  const { how } = command;
  if (how.kind === 'shell') return { ...command, how: { ...how, script: fill(where, how.script) } };
  if (isGivenInWords(command))
    return { ...command, how: { kind: 'argv', argv: how.argv.map((word) => fill(where, word)) } };
  const text = fill(where, command.text);
  const decided = decideCommand(text);
  if (decided.kind === 'wrong') throw new Unresolved(`${where}: ${decided.why}`);
  if (decided.kind === 'argv') return { ...command, how: decided };
  return { ...command, how: { kind: 'shell', shell: '/bin/sh', script: text, why: decided.why } };
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
  /** The first TCP port of this instance. */
  readonly first: number | null;
  /** A declared port → this instance's. */
  readonly declared: ReadonlyMap<number, number>;
}

function portMap({ spec, ports }: ResolveInput): PortMap {
  const declared = new Map<number, number>();
  spec.ports.forEach((port, index) => {
    const mine = ports[index];
    if (port.port !== 'auto' && port.protocol === 'tcp' && mine) declared.set(port.port, mine.port);
  });
  return { first: ports.find((port) => port.protocol === 'tcp')?.port ?? null, declared };
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

/** A `/path` is asked on the instance's first TCP port. */
function resolveHttp(where: string, check: HttpCheck, { fill, ports }: Checks): HttpCheck {
  const url = fill(`${where}.http`, check.url);
  const body = check.body === null ? null : fill(`${where}.body`, check.body);
  if (!url.startsWith('/')) return { ...check, url, body };
  if (ports.first === null)
    throw new Unresolved(`${where}.http: ${url} needs a TCP port of the service, and it has none`);
  return { ...check, url: `http://127.0.0.1:${ports.first}${url}`, body };
}

/** A declared port written as a number means this instance's port. */
function resolveTcp(where: string, check: TcpCheck, { fill, ports }: Checks): TcpCheck {
  const address = fill(`${where}.tcp`, check.address);
  const mine = check.address === address ? ports.declared.get(Number(address)) : undefined;
  return { ...check, address: mine === undefined ? address : String(mine) };
}
