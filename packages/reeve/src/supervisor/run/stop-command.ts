import type { Exit, JournalRecord, SpawnRequest, StopCommandView } from '@reeve/contract';
import { sendSignal } from '@reeve/host';
import { describeExit, isWell } from '../../core/restart/restart.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Actor, LiveRun } from '../instance-handle.ts';
import { userOf } from './launch.ts';
import { releaseRun } from './release-run.ts';

/**
 * The keeper holds a stop command as a run of its own, named after the run that it ends: so it survives the daemon, is
 * in the service's cgroup, has its environment, user and log, and carries its cookie. It is a process of the service,
 * and ended with it.
 */
const SUFFIX = '-stop';

/** The run that a stop command belongs to; null: this is not a stop command. */
export function servedBy(run: string): string | null {
  return run.endsWith(SUFFIX) ? run.slice(0, -SUFFIX.length) : null;
}

/** Carries out `hook`. Ends with `hooked`, told by the keeper's journal or, where it cannot be started, here. */
export async function runStopCommand(instance: Actor): Promise<void> {
  const live = await withSecrets(instance);
  const argv = live?.resolved.stop;
  if (!live || !argv) return refused(instance, 'is not known any more');
  const { deps } = instance.host;
  const run = `${live.row.run}${SUFFIX}`;
  const keeper = await deps.keeper(run); // it may be executed already, by another keeper than the one that starts now
  const kept = deps.keptRuns().find((each) => each.run === run);
  if (kept) {
    instance.stopCommand = { process: kept.process, view: null };
    if (kept.exit) ended(instance, kept.exit);
    return;
  }
  try {
    const process = await keeper.spawn(requestOf(instance, live, run, argv));
    instance.stopCommand ??= { process, view: null };
  } catch (error) {
    refused(instance, `could not be executed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A run of an earlier daemon may lack secrets that the command needs: they are fetched now. */
async function withSecrets(instance: Actor): Promise<LiveRun | null> {
  const { live, project, spec, index, host } = instance;
  if (!live || live.resolved.secrets !== null) return live;
  try {
    const environment = project.environmentOf(spec.name);
    const user = await userOf(instance);
    const input = { project: project.row, spec, environment, index, run: live.row.run, ports: live.leases, user };
    const full = { ...live, resolved: await host.deps.resolve(input) };
    if (instance.live?.row.run === live.row.run) instance.attach(full);
    return full;
  } catch (error) {
    host.deps.log.warn(
      { err: error, service: instance.selector },
      'its secrets cannot be fetched for its stop command',
    );
    return live;
  }
}

/** Carries out `end-hook`. */
export function endStopCommand(instance: Actor): void {
  const { stopCommand, live, spec } = instance;
  if (!stopCommand?.process || stopCommand.view || !live) return;
  const { process } = stopCommand;
  sendSignal(process, live.row.marks.witness, 'SIGKILL', { seen: process });
  const what = `did not end within ${spec.stop.timeout / 2000}s and was killed`;
  instance.stopCommand = { process, view: { command: textOf(instance), outcome: 'timed_out', what } };
}

/** What the keeper tells of a stop command. `instance` null: its run is over. */
export function recordStopCommand(instance: Actor | null, record: JournalRecord, deps: Dependencies): void {
  if (record.kind === 'spawned' && instance) instance.stopCommand = { process: record.process, view: null };
  if (record.kind !== 'exited') return;
  if (instance) ended(instance, record.exit);
  releaseRun(deps, record.run).catch((err: unknown) =>
    deps.log.warn({ err, run: record.run }, 'an ended stop command was not released'),
  );
}

/** For the receipt: one that still runs is ended together with its service. */
export function stopCommandView(instance: Pick<Actor, 'stopCommand' | 'spec'>): StopCommandView | null {
  const { stopCommand } = instance;
  if (!stopCommand) return null;
  const what = 'was ended with the service';
  return stopCommand.view ?? { command: textOf(instance), outcome: 'timed_out', what };
}

function ended(instance: Actor, exit: Exit): void {
  const ok = isWell(exit);
  const what = exit.kind === 'signal' ? `was ${describeExit(exit)}` : describeExit(exit);
  const { stopCommand, live } = instance;
  const process = stopCommand?.process ?? null;
  const view: StopCommandView = { command: textOf(instance), outcome: ok ? 'done' : 'failed', what };
  instance.stopCommand = { process, view: stopCommand?.view ?? view };
  const isKnown = live?.processes.evidence().some((each) => each.pid === process?.pid);
  if (process && isKnown) live?.processes.exited(process, exit);
  instance.post({ name: 'hooked', ok, what });
}

function refused(instance: Actor, what: string): void {
  instance.stopCommand = { process: null, view: { command: textOf(instance), outcome: 'failed', what } };
  instance.post({ name: 'hooked', ok: false, what });
}

function textOf({ spec }: Pick<Actor, 'spec'>): string {
  return spec.stop.command?.text ?? '';
}

function requestOf({ spec, id, host }: Actor, live: LiveRun, run: string, argv: readonly string[]): SpawnRequest {
  const { main } = live.row.marks;
  return {
    run,
    id,
    argv,
    cwd: live.resolved.cwd,
    env: { ...live.resolved.env, ...(main ? { MAINPID: String(main.pid) } : {}) },
    user: live.user,
    umask: spec.umask,
    nice: spec.nice,
    limits: spec.limits,
    mark: live.row.marks.mark,
    cgroup: live.processes.cgroup,
    logs: spec.logs && { folder: host.deps.logFolder(id), rotation: spec.logs },
  };
}
