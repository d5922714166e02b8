import type { CommandSpec, ProjectSpec, ServiceSpec } from '@reeve/contract';
import { canonical } from './canonical.ts';
import { maskEnvironment } from './environment.ts';
import { hasReference } from './interpolate.ts';

/**
 * What it takes until a changed field holds. `live`: reeve acts on it from now on, the process is not touched.
 * `restart`: a process was started with it, so that it needs a new one. `note`: nothing is done for it.
 */
export type Cost = 'note' | 'live' | 'restart';

export interface FieldChange {
  /** `env.LOG_LEVEL`, `restart.limit.count`, `command`, … */
  readonly field: string;
  /** null: it was not there, or is there no more. Values of secret-looking variables are masked. */
  readonly from: unknown;
  readonly to: unknown;
  readonly cost: Cost;
}

/** A service as declared, with what its project adds to every environment. */
export interface Declared {
  readonly spec: ServiceSpec;
  readonly project: Pick<ProjectSpec, 'env' | 'env_files'>;
}

/** Every field of a spec has its cost, or it does not compile. */
const COSTS: { readonly [K in keyof ServiceSpec]: Cost } = {
  name: 'restart',
  description: 'live',
  command: 'restart',
  cwd: 'restart',
  env: 'restart',
  env_files: 'restart',
  ports: 'restart',
  ready: 'live',
  ready_timeout: 'live',
  health: 'live',
  on_unhealthy: 'live',
  depends_on: 'live',
  restart: 'live',
  stop: 'live',
  oneshot: 'live',
  instances: 'live',
  autostart: 'live',
  user: 'restart',
  group: 'restart',
  umask: 'restart',
  nice: 'restart',
  limits: 'restart',
  logs: 'restart',
  groups: 'live',
  capabilities: 'live',
  is_system: 'live',
  secrets: 'restart',
  cleanup: 'live',
};

/** Field by field, what a config changes about a service that is known already; empty: nothing. */
export function specChanges(before: Declared, after: Declared): readonly FieldChange[] {
  const own = (Object.keys(COSTS) as (keyof ServiceSpec)[])
    .filter((field) => keyOf(before.spec, field) !== keyOf(after.spec, field))
    .flatMap((field) => details(field, shown(before.spec, field), shown(after.spec, field), COSTS[field]));
  const env = canonical(envKey(before.project.env)) !== canonical(envKey(after.project.env));
  return [
    ...own,
    ...(env ? details('project.env', before.project.env, after.project.env, 'restart') : []),
    ...leaves('project.env_files', before.project.env_files, after.project.env_files, 'restart'),
  ];
}

/** The dearest of them; null: nothing is done. */
export function costOf(changes: readonly FieldChange[]): Cost | null {
  const costs = changes.map(({ cost }) => cost);
  return costs.includes('restart') ? 'restart' : costs.includes('live') ? 'live' : null;
}

/** What counts of a field: two values with the same key start the same process. */
function keyOf(spec: ServiceSpec, field: keyof ServiceSpec): string {
  if (field === 'command') return canonical(commandKey(spec.command));
  return canonical(field === 'env' ? envKey(spec.env) : spec[field]);
}

/** The text, and the reason for a shell, are for people. */
function commandKey({ how }: CommandSpec): unknown {
  return how.kind === 'shell' ? { shell: how.shell, script: how.script } : { argv: how.argv };
}

/** The order of variables matters only when one may refer to another. */
function envKey(env: Readonly<Record<string, string>>): unknown {
  const entries = Object.entries(env);
  return entries.some(([, value]) => hasReference(value)) ? entries : env;
}

function shown(spec: ServiceSpec, field: keyof ServiceSpec): unknown {
  return field === 'command' ? spec.command.text : spec[field];
}

function details(field: string, from: unknown, to: unknown, cost: Cost): readonly FieldChange[] {
  const changes = leaves(field, from, to, cost);
  // The same words in another order, or executed another way.
  return changes.length > 0 ? changes : [{ field, from: masked(field, from), to: masked(field, to), cost }];
}

function leaves(field: string, from: unknown, to: unknown, cost: Cost): readonly FieldChange[] {
  if (canonical(from) === canonical(to)) return [];
  if (!isMap(from) || !isMap(to)) return [{ field, from: masked(field, from), to: masked(field, to), cost }];
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return keys.flatMap((key) => leaves(`${field}.${key}`, from[key] ?? null, to[key] ?? null, cost));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function masked(field: string, value: unknown): unknown {
  if (isMap(value) && /(?:^|\.)env$/.test(field)) return maskEnvironment(value as Readonly<Record<string, string>>);
  const variable = /^(?:project\.)?env\.(.+)$/.exec(field)?.[1];
  return variable === undefined || typeof value !== 'string' ? value : maskEnvironment({ [variable]: value })[variable];
}

/** The config's own changes, and those of what it leads to: each field once. */
export function withExecuted(own: readonly FieldChange[], executed: readonly FieldChange[]): readonly FieldChange[] {
  const told = new Set(own.map(({ field }) => field));
  return [...own, ...executed.filter(({ field }) => !told.has(field) && !told.has(`project.${field}`))];
}
