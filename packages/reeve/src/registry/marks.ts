import { isMark, type ProcessIdentity, type Witness } from '@reeve/contract';
import type { RunMarks } from '../core/interfaces.ts';
import { type Guard, integer, listOf, object, orNull, part, text, Unfit } from './rows.ts';

/** `pid_t` is 32 bits with a sign on every system that reeve runs on. */
const LARGEST_PID = 2 ** 31 - 1;

/**
 * What says which processes are a run's. It is what signals are sent by, so a stored value that could name anything but
 * one process (0: our own group, -1: every process, 1: init, a cgroup at the root) is refused here, before it is used.
 */
export function marksOf(run: string): Guard<RunMarks> {
  return (value) => {
    const marks = object(value);
    if (marks['run'] !== run) throw new Unfit('belongs to another run');
    return {
      run,
      main: part('main', marks['main'], orNull(identity)),
      witness: part('witness', marks['witness'], witness),
      mark: part('mark', marks['mark'] ?? null, orNull(limitMark)),
      ports: part('ports', marks['ports'], listOf(port)),
      ...(marks['executed'] === undefined ? {} : { executed: part('executed', marks['executed'], texts) }),
    };
  };
}

/** Only compared, never acted on. */
function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(object(value)).map(([name, each]) => [name, part(name, each, text)]));
}

export function identity(value: unknown): ProcessIdentity {
  const { boot, pid, start } = object(value);
  return { boot: part('boot', boot, filled), pid: part('pid', pid, processId), start: part('start', start, tick) };
}

/** The lifecycle's own value, which may hold the identity of a process too. */
export function machine(value: unknown): unknown {
  const state = part('state', object(value)['state'], object);
  if (state['process'] !== undefined) part('state.process', state['process'], orNull(identity));
  return value;
}

function witness(value: unknown): Witness {
  const { cookie, cgroup } = object(value);
  return { cookie: part('cookie', cookie, orNull(filled)), cgroup: part('cgroup', cgroup, orNull(cgroupPath)) };
}
/** A usual limit would name processes that set it themselves. */
function limitMark(value: unknown): number {
  if (!isMark(value)) throw new Unfit(`is ${JSON.stringify(value)}, which is not a mark of a run`);
  return value;
}
function processId(value: unknown): number {
  const pid = integer(value);
  if (pid <= 1 || pid > LARGEST_PID) throw new Unfit(`is ${pid}, which is not a process of a service`);
  return pid;
}
function tick(value: unknown): number {
  const start = integer(value);
  if (start < 0) throw new Unfit(`is ${start}, which is not a time`);
  return start;
}
function filled(value: unknown): string {
  if (text(value) === '') throw new Unfit('is empty');
  return text(value);
}
/** Everything in it may be killed: never the root, never a path that climbs. */
function cgroupPath(value: unknown): string {
  const path = text(value);
  const names = path.split('/').filter((name) => name !== '');
  const isPlain = names.length > 0 && names.every((name) => name !== '.' && name !== '..' && !name.includes('\0'));
  if (!path.startsWith('/') || !isPlain) throw new Unfit(`is ${JSON.stringify(path)}, which is not a cgroup of a run`);
  return path;
}
function port(value: unknown): number {
  const number = integer(value);
  if (number < 1 || number > 65_535) throw new Unfit(`is ${number}, which is not a port`);
  return number;
}
