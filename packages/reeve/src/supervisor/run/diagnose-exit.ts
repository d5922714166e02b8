import type { Exit } from '@reeve/contract';
import { pause } from '@reeve/host';
import { shortLine } from '../../base/short-line.ts';
import { describeHolder } from '../../core/holder.ts';
import type { Listener } from '../../core/interfaces.ts';
import { type Aftermath, NO_AFTERMATH } from '../../core/lifecycle/types.ts';
import { type Blame, blame } from '../../core/restart/blame.ts';
import { isWell } from '../../core/restart/restart.ts';
import { maskValues } from '../../core/spec/environment.ts';
import type { Actor, LiveRun } from '../instance-handle.ts';

/** How far back a program's own words about its end are looked for: a Node stack trace has some 25 lines. */
const READ = 60;
/** How many of them are kept with the event. */
const KEPT = 8;
/** How long a socket is given to go with its process. Milliseconds. */
const GOING = 50;

/**
 * Looks at a run whose main process has ended: its last words, and what they are worth. Never fails: what cannot be
 * read is left out.
 */
export async function lookBack(instance: Actor, live: LiveRun, exit: Exit): Promise<Aftermath> {
  if (isWell(exit)) return NO_AFTERMATH;
  const { deps } = instance.host;
  let isOutOfMemory = false;
  try {
    isOutOfMemory = live.processes.isOutOfMemory();
    const said = await deps.lastLines(instance.id, live.row.run, READ);
    const { secrets } = live.resolved;
    // What cannot be masked is not kept.
    const lines = secrets === null ? [] : said.map((line) => maskValues(line, secrets));
    const blamed = blame(exit, lines);
    const verified = blamed?.code === 'PORT_TAKEN' ? await nameHolder(instance, live, blamed) : blamed;
    return { blame: verified, lines: lines.slice(-KEPT).map(shortLine), isOutOfMemory, missing: null };
  } catch (error) {
    deps.log.warn({ err: error, service: instance.selector }, 'what it said last cannot be read');
    return { ...NO_AFTERMATH, isOutOfMemory };
  }
}

/**
 * Who has the port. None, or a process that the run itself had left behind: then it is free by the next start, and
 * trying again helps after all.
 */
async function nameHolder(instance: Actor, live: LiveRun, blamed: Blame): Promise<Blame | null> {
  const ports = blamed.port === null ? live.leases.map((lease) => lease.port) : [blamed.port];
  const holder = await holderOf(instance, ports);
  if (!holder) return blamed.port === null ? blamed : null;
  if (isOwn(live, holder)) return null;
  if (holder.process === null && instance.host.deps.self.isRoot) return null; // its last socket, and it belongs to no process any more
  const owners = await instance.host.owners();
  const owner = holder.process && owners.of(holder.process.pid);
  if (owner?.run === live.row.run) return null; // left behind so late that no scan had seen it
  const { holder: who, free: fix } = describeHolder(holder, owner, instance.project.row.folder);
  return { ...blamed, port: holder.port, what: `port ${holder.port} is held by ${who}`, fix };
}

/** A socket outlives its process for a moment: one without a holder is looked at again. */
async function holderOf(instance: Actor, ports: readonly number[]): Promise<Listener | undefined> {
  const { platform } = instance.host.deps;
  const look = async (): Promise<Listener | undefined> => {
    const held = platform.sockets().find((one) => one.protocol === 'tcp' && ports.includes(one.port));
    return held && (await platform.listeners(held.port)).find(({ protocol }) => protocol === 'tcp');
  };
  const first = await look();
  if (first?.process !== null) return first;
  await pause(GOING);
  return look();
}

function isOwn(live: LiveRun, { process }: Listener): boolean {
  return process !== null && live.processes.evidence().some((seen) => seen.pid === process.pid);
}
