import type { SpawnRequest } from '@reeve/contract';
import { bytesOfText, hasRawBytes } from '../../base/raw-bytes.ts';

/** Absolute paths of the programs that a wrapper may need; looked for in the system's folders, never along the service's PATH. */
export interface Tools {
  readonly env: string;
  readonly prlimit: string;
  readonly renice: string;
  readonly setpriv: string;
}
export type ToolName = keyof Tools;

const SHELL = '/bin/sh';
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A shell overwrites these, or refuses to hand them on. */
const SHELL_OWNS = new Set(['IFS', 'OPTIND', 'PPID', 'LINENO', 'UID', 'EUID', 'BASHOPTS', 'SHELLOPTS']);
/** A shell sets these for itself and exports them. */
const SHELL_SETS = ['PWD', 'OLDPWD'];
/** What a wrapper ends with when one of its own steps fails. Nothing is concluded from it: the missing report tells. */
const FAILED = '|| exit 125';

export function needsWrapper(request: SpawnRequest): boolean {
  const { cgroup, user, nice, limits, channels, env } = request;
  const isHanded = (channels?.listen.length ?? 0) > 0; // LISTEN_PID: only the process itself knows it in time
  const isRaw = Object.values(env).some(hasRawBytes); // Node hands on only UTF-8
  return cgroup !== null || user !== null || nice !== null || Object.keys(limits).length > 0 || isHanded || isRaw;
}

export interface WrapOptions {
  /** The descriptor (3–9) that the report goes to. */
  readonly reports: number;
  /** The soft limit on descriptors; null: it was born with it. */
  readonly descriptors: number | null;
}

/**
 * A shell that prepares its own process (limits, cgroup, niceness, user), writes the run's id to `reports` (3–9),
 * and becomes the command. No text is ever pasted into the script: all values are positional parameters. A wrapper
 * that ends without having reported has failed itself; afterwards everything is the command's.
 */
export function wrap(
  request: SpawnRequest,
  tool: (name: ToolName) => string,
  { reports, descriptors }: WrapOptions,
): readonly string[] {
  const { user } = request;
  const first = new Script();
  if (descriptors !== null) first.add(`ulimit -S -n ${first.value(String(descriptors))} ${FAILED}`);
  for (const [name, value] of Object.entries(request.limits)) {
    first.add(`${first.value(tool('prlimit'))} --pid $$ ${first.value(`--${name}=${value}:${value}`)} ${FAILED}`);
  }
  if (request.nice !== null) {
    first.add(`${first.value(tool('renice'))} -n ${first.value(String(request.nice))} -p $$ >/dev/null ${FAILED}`);
  }
  if (request.cgroup !== null) first.add(`echo 0 >${first.value(`${request.cgroup}/cgroup.procs`)} ${FAILED}`);
  if (user === null) return begin(first, request, tool, reports);
  const switched = [tool('setpriv'), '--reuid', String(user.uid), '--regid', String(user.gid), '--init-groups', '--'];
  return first.become([...switched, ...begin(new Script(), request, tool, reports)], 'exec "$@"');
}

/** The last steps, already as the right user: its folder, the environment as it was given, the report, the command. */
function begin(
  script: Script,
  request: SpawnRequest,
  tool: (name: ToolName) => string,
  reports: number,
): readonly string[] {
  const { env, run, user, cwd, channels } = request;
  if (user !== null) {
    const why = `${user.name} may not enter the working folder ${cwd}: permission denied`;
    script.add(`cd ${script.value(cwd)} 2>/dev/null || { echo ${script.value(why)} >&2; exit 125; }`);
  }
  for (const name of SHELL_SETS) {
    const value = env[name];
    script.add(value === undefined ? `unset ${name}` : `export ${script.value(`${name}=${value}`)}`);
  }
  for (const [name, value] of Object.entries(env).filter((entry) => hasRawBytes(entry[1]))) {
    const octal = [...bytesOfText(value)].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
    script.add(`reeve_raw=$(printf %b. ${script.value(octal)}) ${FAILED}`);
    script.add(`export ${script.value(`${name}=`)}"\${reeve_raw%.}"; unset reeve_raw`);
  }
  if ((channels?.listen.length ?? 0) > 0) script.add('export LISTEN_PID=$$');
  script.add(`echo ${script.value(run)} >&${reports} ${FAILED}`);
  const lost = Object.entries(env).filter(([name]) => !IDENTIFIER.test(name) || SHELL_OWNS.has(name));
  const given = lost.length === 0 ? [] : [tool('env'), ...lost.map(([name, value]) => `${name}=${value}`)];
  return script.become([...given, ...request.argv], `exec "$@" ${reports}>&-`);
}

class Script {
  readonly #steps: string[] = [];
  readonly #values: string[] = [];

  add(step: string): void {
    this.#steps.push(step);
  }

  /** How the script refers to this value. */
  value(value: string): string {
    this.#values.push(value);
    return `"\${${this.#values.length}}"`;
  }

  become(argv: readonly string[], exec: string): readonly string[] {
    const script = [...this.#steps, `shift ${this.#values.length}`, exec].join('\n');
    return [SHELL, '-c', script, 'reeve-enter', ...this.#values, ...argv];
  }
}
