import { DAEMON_MARK, DETACHED_MARK } from '@reeve/contract';
import { markOf } from './linux/limit-mark.ts';
import { cgroupOf, environOf } from './linux/process-table.ts';

/** Put into the environment of everything that a service started manually starts: `<id of its card>:<start>`. */
export const OWNER_MARK = 'REEVE_OWNER';

/** What a process carries that says whose it is. */
export interface Carried {
  /** `REEVE_HOME`. */
  readonly home: string | null;
  /** `REEVE_RUN`: the cookie of the run that it was started in. */
  readonly run: string | null;
  readonly project: string;
  readonly service: string;
  readonly instance: number;
  /** Id of the card of the service that started it. */
  readonly owner: string | null;
  /** A daemon or keeper. */
  readonly isReeve: boolean;
  /** It asks not to be ended with its service. */
  readonly isDetached: boolean;
  /** null: none, or it was not looked at. */
  readonly cgroup: string | null;
  readonly mark: number | null;
}

const NO_ENVIRONMENT: ReadonlyMap<string, string> = new Map();

/** `environ` null: it could not be read. */
export function carriedIn(
  environ: ReadonlyMap<string, string> | null,
  signs: Pick<Carried, 'cgroup' | 'mark'>,
): Carried {
  const has = environ ?? NO_ENVIRONMENT;
  const instance = Number(has.get('REEVE_INSTANCE') ?? 0);
  return {
    home: has.get('REEVE_HOME') ?? null,
    run: has.get('REEVE_RUN') ?? null,
    project: has.get('REEVE_PROJECT') ?? '',
    service: has.get('REEVE_SERVICE') ?? '',
    instance: Number.isSafeInteger(instance) ? instance : 0,
    owner: /^([0-9a-f]{12}):/.exec(has.get(OWNER_MARK) ?? '')?.[1] ?? null,
    isReeve: has.has(DAEMON_MARK),
    isDetached: has.get(DETACHED_MARK) === '1',
    ...signs,
  };
}

/** Reads it. Cgroup and mark are read only where a run has one: each is a file more. */
export function readCarried(pid: number, wanted: { readonly cgroup: boolean; readonly mark: boolean }): Carried {
  return carriedIn(environOf(pid), {
    cgroup: wanted.cgroup ? cgroupOf(pid) : null,
    mark: wanted.mark ? markOf(pid) : null,
  });
}
