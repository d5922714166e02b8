import type { PortSpec } from '@reeve/contract';
import { type BadReference, interpolate, type Lookup, lookupIn, type Scope } from './interpolate.ts';

/** The environment of a service, layer by layer. Source: DESIGN.md, "Environment". */
export type EnvMap = Readonly<Record<string, string>>;

/** A process says it of itself (docs/why/trackers.md); a service as a whole would escape with it. */
const DETACHED = 'REEVE_DETACHED';
const NEVER_INHERITED = new Set(['LD_PRELOAD', 'NODE_OPTIONS', 'NOTIFY_SOCKET']);

/** What of a caller's environment may reach a service. */
export function filterEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = emptyMap();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || NEVER_INHERITED.has(name) || /^(npm_|REEVE_)/.test(name)) continue;
    kept[name] = value;
  }
  return kept;
}

/** A port as one instance has it. */
export interface InstancePort {
  readonly name: string | null;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** `http-api` → `PORT_HTTP_API`. */
export function portVariable(name: string): string {
  return `PORT_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** `PORT` (the first one) and `PORT_<NAME>`: the only variables of reeve's own that yield to declared ones. */
export function portVariables(ports: readonly InstancePort[]): Record<string, string> {
  const env: Record<string, string> = emptyMap();
  if (ports[0]) env['PORT'] = String(ports[0].port);
  for (const { name, port } of ports) if (name !== null) env[portVariable(name)] = String(port);
  return env;
}

/** The port that instance k has of a fixed one: port + k, unless all instances share it. */
export function instancePort(spec: PortSpec, instance: number): number | 'auto' {
  return spec.port === 'auto' || spec.shared ? spec.port : spec.port + instance;
}

export interface ReeveFacts {
  readonly home: string;
  readonly project: string;
  /** Real path of the project's folder: what the project is, for the library's `<id>`. */
  readonly folder: string;
  readonly service: string;
  readonly instance: number;
  /** Unique per start. */
  readonly run: string;
  /** Path of the control socket. */
  readonly socket: string;
}

/** reeve's own variables, which win over everything. `NOTIFY_SOCKET` is added when notify is built. */
export function reeveVariables(facts: ReeveFacts): Record<string, string> {
  return {
    REEVE_HOME: facts.home,
    REEVE_PROJECT: facts.project,
    REEVE_PROJECT_FOLDER: facts.folder,
    REEVE_SERVICE: facts.service,
    REEVE_INSTANCE: String(facts.instance),
    REEVE_RUN: facts.run,
    REEVE_SOCKET: facts.socket,
    OTEL_SERVICE_NAME: facts.service,
  };
}

export interface Layers {
  /** The environment of the `up` or `start` that last applied the service, filtered. */
  readonly base: EnvMap;
  /** Of `user:`; null without. */
  readonly user: { readonly name: string; readonly home: string; readonly shell: string } | null;
  readonly ports: readonly InstancePort[];
  /** Contents of the env files, in order, as they are written: `${…}` in them is not replaced. */
  readonly projectFiles: readonly EnvMap[];
  readonly projectEnv: EnvMap;
  readonly serviceFiles: readonly EnvMap[];
  readonly serviceEnv: EnvMap;
  /** Fetched values: they win over everything declared. */
  readonly secrets: EnvMap;
  /** {@link reeveVariables}. */
  readonly reeve: EnvMap;
  readonly instance: number;
  readonly project: string;
}

export interface BadVariable {
  readonly layer: 'project' | 'service';
  readonly variable: string;
  readonly bad: BadReference;
}
export interface BuiltEnvironment {
  readonly env: Record<string, string>;
  readonly scope: Scope;
  readonly bad: readonly BadVariable[];
}

/**
 * Later layers win. A `${…}` in a declared value sees what is below it: the layers before, the variables written above
 * it, and reeve's own; so `PATH: "${PATH}:/extra"` extends.
 */
export function buildEnvironment(layers: Layers): BuiltEnvironment {
  const { user, reeve } = layers;
  const account = user ? { HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: user.shell } : {};
  const env = Object.assign(emptyMap(), layers.base, account, portVariables(layers.ports));
  const below = lookupIn({ ...scopeOf(layers), env });
  const lookup: Lookup = (name) => (Object.hasOwn(reeve, name) ? reeve[name] : below(name));
  const bad: BadVariable[] = [];
  const declare = (layer: BadVariable['layer'], files: readonly EnvMap[], declared: EnvMap): void => {
    Object.assign(env, ...files);
    for (const [variable, value] of Object.entries(declared)) {
      const filled = interpolate(value, lookup);
      if (filled.ok) env[variable] = filled.text;
      else bad.push(...filled.bad.map((one) => ({ layer, variable, bad: one })));
    }
  };
  declare('project', layers.projectFiles, layers.projectEnv);
  declare('service', layers.serviceFiles, layers.serviceEnv);
  Object.assign(env, layers.secrets, reeve);
  delete env[DETACHED];
  return { env, scope: { ...scopeOf(layers), env }, bad };
}

function scopeOf(layers: Layers): Omit<Scope, 'env'> {
  const ports: Record<string, number> = emptyMap();
  for (const { name, port } of layers.ports) if (name !== null) ports[name] = port;
  return { ports, instance: layers.instance, project: layers.project };
}

const SECRET =
  /TOKEN|SECRET|PASSW|PASSPHRASE|KEY|CREDENTIAL|PRIVATE|AUTH|COOKIE|SALT|SIGNATURE|DSN|(^|_)(PWD|PASS|PIN|CERT)$/i;
const NO_SECRET = new Set(['PWD', 'OLDPWD', 'SSH_AUTH_SOCK', 'XAUTHORITY']);
export const MASK = '***';

/** Whether a variable's name looks as if its value were a secret. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name) && !NO_SECRET.has(name);
}

/** For every output: values of secret-looking names, and passwords inside URLs, are masked. */
export function maskEnvironment(env: EnvMap): Record<string, string> {
  const masked: Record<string, string> = emptyMap();
  for (const [name, value] of Object.entries(env)) masked[name] = isSecretName(name) ? MASK : maskUrl(value);
  return masked;
}

/** Shorter values would mask half of every text, and are not secrets. */
const LEAST_SECRET = 4;

/** A text without these secret values. */
export function maskValues(text: string, values: readonly string[]): string {
  const long = values.filter((value) => value.length >= LEAST_SECRET);
  return long.reduce((masked, value) => masked.replaceAll(value, MASK), text);
}

function maskUrl(value: string): string {
  return value.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/]+@/gi, `$1:${MASK}@`);
}

/** Without a prototype: a variable may be called `__proto__`. */
function emptyMap<T = string>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
