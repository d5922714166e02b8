import type { CommandSpec, ProjectSpec, ServiceSpec } from '@reeve/contract';
import { hasReference } from './interpolate.ts';

type SharedEnv = Pick<ProjectSpec, 'env' | 'env_files'>;

/**
 * Everything of a service that a running process was started with, as canonical JSON: when it changes, the process is
 * no longer what the config says. What reeve itself acts on (checks, restart, stop, dependencies, names) is not in it.
 */
export function specHashInput(spec: ServiceSpec, project: SharedEnv): string {
  return canonical({
    version: 1,
    command: commandKey(spec.command),
    cwd: spec.cwd,
    env: envKey(spec.env),
    env_files: spec.env_files,
    project_env: envKey(project.env),
    project_env_files: project.env_files,
    ports: spec.ports,
    user: spec.user,
    group: spec.group,
    umask: spec.umask,
    nice: spec.nice,
    limits: spec.limits,
    logs: spec.logs,
  });
}

/** `digest`: any hash of a string, as text. */
export function specHash(spec: ServiceSpec, project: SharedEnv, digest: (input: string) => string): string {
  return digest(specHashInput(spec, project));
}

/** The reason is for people. The text counts where it is judged again at each start. */
function commandKey({ text, how }: CommandSpec): unknown {
  if (how.kind === 'shell') return { shell: how.shell, script: how.script };
  return hasReference(text) ? { argv: how.argv, text } : { argv: how.argv };
}

/** The order of variables matters only when one may refer to another. */
function envKey(env: Readonly<Record<string, string>>): unknown {
  const entries = Object.entries(env);
  return entries.some(([, value]) => hasReference(value)) ? entries : env;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return value === undefined ? 'null' : JSON.stringify(value);
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`;
}
