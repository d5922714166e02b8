import type { ServiceSpec } from '@reeve/contract';
import { canonical } from './canonical.ts';
import { isSecretName, MASK, maskEnvironment, maskValues } from './environment.ts';
import type { FieldChange } from './spec-changes.ts';

/** What a run was started with, a fingerprint for each thing: no value of it is kept. */
export type Executed = Readonly<Record<string, string>>;

export interface Execution {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Of a program or script on the disk: when it changes, nothing is restarted for it. */
export const FILE = 'file ';

/**
 * What is compared of an execution: command, folder, and the variables that the config, its env files and its secrets
 * declare. What a service only inherits differs from terminal to terminal.
 */
export function comparedValues({ argv, cwd, env }: Execution, declared: readonly string[]): Record<string, string> {
  const values: Record<string, string> = { command: canonical(argv), cwd };
  for (const name of declared) if (env[name] !== undefined) values[`env.${name}`] = env[name];
  return values;
}

export interface Compared {
  readonly before: Executed;
  /** What is known of the run that `before` is of; shown where it is what the run was started with. */
  readonly known: (Execution & { readonly executed: Executed }) | null;
  readonly after: Execution & { readonly executed: Executed };
  readonly spec: Pick<ServiceSpec, 'secrets'>;
}

/** What would be executed otherwise than it was, with secrets masked. */
export function executedChanges({ before, known, after: now, spec }: Compared): readonly FieldChange[] {
  const after = now.executed;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => before[name] !== after[name] && !(name.startsWith(FILE) && !(name in before && name in after)))
    .map((field): FieldChange => {
      if (field.startsWith(FILE))
        return { field, from: 'as it was started', to: 'changed on the disk since', cost: 'note' };
      const isKnown = known?.executed[field] === before[field];
      const [from, to] = [isKnown ? shown(field, known, spec) : null, shown(field, now, spec)];
      return {
        field,
        from: field in before ? (from ?? 'another value') : null,
        to: field in after ? to : null,
        cost: 'restart',
      };
    });
}

/** A secret may be part of a command. */
function withoutSecrets({ argv, env }: Execution, secrets: readonly string[]): string {
  const names = [...Object.keys(env).filter(isSecretName), ...secrets];
  return maskValues(
    argv.join(' '),
    names.map((name) => env[name] ?? ''),
  );
}

function shown(field: string, execution: Execution | null, { secrets }: Compared['spec']): unknown {
  if (execution === null) return null;
  if (field === 'command') return withoutSecrets(execution, Object.keys(secrets));
  if (field === 'cwd') return execution.cwd;
  const name = field.slice('env.'.length);
  const value = execution.env[name];
  if (value === undefined) return null;
  return Object.hasOwn(secrets, name) ? MASK : (maskEnvironment({ [name]: value })[name] ?? null);
}
