import { type ProcessIdentity, ReeveError, type SpawnRequest } from '@reeve/contract';
import type { RunMarks, UserEntry } from '../../core/interfaces.ts';
import { KILL_BUDGET } from '../../core/lifecycle/steps-stop.ts';
import type { RunRow } from '../../core/registry.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Actor, LiveRun } from '../instance-handle.ts';
import { channelsOf } from './channels.ts';
import { takePorts } from './lease-ports.ts';
import { originOf } from './origin.ts';

/** After these it is unknown whether a process was spawned. */
const UNCERTAIN: ReadonlySet<string> = new Set(['KEEPER_LOST', 'TIMED_OUT']);

/** The system lacked something (processes, descriptors, memory): trying again later may help. */
const HOST_EXHAUSTED: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);
/** When to try again (ms): where the system lacks something, and where only the keeper was lost. */
const EXHAUSTED_PAUSE = 5_000;
const KEEPER_PAUSE = 100;

/**
 * Carries out `spawn`: ports, environment, surroundings, then the keeper. The run is written down before the keeper
 * hears of it, so that no process can exist that the registry does not name. Ends with `spawned` (told by the keeper's
 * journal) or `refused`.
 */
export async function launch(instance: Actor, run: string): Promise<void> {
  try {
    const request = await prepare(instance, run);
    if (isUnwanted(instance, run)) {
      instance.post({
        name: 'refused',
        failure: { code: 'CANCELLED', message: 'stopped before it was started' },
        again: null,
      });
      return;
    }
    const keeper = await instance.host.deps.starter();
    await keeper.spawn(request);
  } catch (error) {
    if (isUncertain(error) && (await wasSpawned(instance, run))) return;
    instance.post({ name: 'refused', ...asRefusal(error) });
  }
}

/** The keeper died, or did not answer, with the request in its hands: the process may be there. */
function isUncertain(error: unknown): boolean {
  return error instanceof ReeveError && UNCERTAIN.has(error.code);
}

/**
 * Whether the run lives after all: the next keeper has read the journal, and tells the rest of it. Otherwise whatever
 * had been forked and not written down is ended, so that the next start is not a second copy.
 */
async function wasSpawned(instance: Actor, run: string): Promise<boolean> {
  const { deps } = instance.host;
  await new Promise((resolve) => setImmediate(resolve)); // until the loss of the keeper is known to the code that replaces it
  const keeper = await deps.keeper(run);
  if (keeper.runs.some((kept) => kept.run === run)) return true;
  await instance.live?.processes.kill(deps.clock.now() + KILL_BUDGET);
  return false;
}

function isUnwanted(instance: Actor, run: string): boolean {
  const { state } = instance.machine;
  return state.name !== 'spawning' || state.run !== run || state.stop !== null;
}

function asRefusal(error: unknown) {
  if (!(error instanceof ReeveError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { failure: { code: 'INTERNAL', message }, again: null };
  }
  const { errno } = error.params;
  const isExhausted = typeof errno === 'string' && HOST_EXHAUSTED.has(errno);
  const again = isExhausted ? EXHAUSTED_PAUSE : isUncertain(error) ? KEEPER_PAUSE : null;
  const { free } = error.params;
  if (typeof free !== 'string') return { failure: { code: error.code, message: error.message }, again };
  return { failure: { code: error.code, message: `${error.message}; free it: ${free}`, fix: free }, again };
}

async function prepare(instance: Actor, run: string): Promise<SpawnRequest> {
  const { project, spec, index, id, host } = instance;
  const { deps } = host;
  const leases = await takePorts(deps, instance, run);
  const user = await userOf(instance);
  const other = otherUser(deps, user);
  const environment = project.environmentOf(spec.name);
  const resolved = await deps.resolve({ project: project.row, spec, environment, index, run, ports: leases, user });
  const { channels, env } = await channelsOf(instance, resolved, {
    run,
    isOtherUser: other !== null && other.uid !== deps.self.uid,
  });
  const { cgroup, witness } = await deps.platform.prepare(id, run);
  const { executed } = resolved;
  const ports = leases.map((l) => l.port);
  const marks: RunMarks = { run, main: null, witness, mark: deps.newMark(id), ports, executed };
  const row: RunRow = {
    run,
    folder: project.row.folder,
    service: spec.name,
    index,
    generation: instance.machine.generation,
    id,
    marks,
    started_at: deps.clock.now(),
    ready_at: null,
    ended_at: null,
    exit: null,
  };
  instance.attach({ row, processes: deps.platform.track(marks), leases, resolved, user: other });
  host.outbox.row(`run ${run}`, () => deps.registry.runs.save(row));
  await host.outbox.written();
  return {
    run,
    id,
    argv: resolved.argv,
    cwd: resolved.cwd,
    env: { ...resolved.env, ...env },
    user: other,
    umask: spec.umask,
    nice: spec.nice,
    limits: spec.limits,
    cgroup,
    mark: marks.mark,
    logs: spec.logs && { folder: deps.logFolder(id), rotation: spec.logs },
    channels,
    origin: originOf(instance, row, leases),
  };
}

/** The keeper has told which process it is: from now on the run can be looked for by it. */
export function withMain(instance: Actor, live: LiveRun, main: ProcessIdentity): LiveRun {
  const { deps, outbox } = instance.host;
  const marks: RunMarks = { ...live.row.marks, main };
  const row: RunRow = { ...live.row, marks };
  outbox.row(`run ${row.run}`, () => deps.registry.runs.save(row));
  return { ...live, row, processes: deps.platform.track(marks) };
}

/** Whom to become; null: reeve's own user, with its own group. */
export function otherUser(deps: Dependencies, user: UserEntry | null): SpawnRequest['user'] {
  const { uid, gid } = deps.self;
  return user && (user.uid !== uid || user.gid !== gid) ? { name: user.name, uid: user.uid, gid: user.gid } : null;
}

export async function userOf(instance: Actor): Promise<UserEntry | null> {
  const { spec, host } = instance;
  const { deps } = host;
  if (spec.user === null && spec.group === null) return null;
  const user =
    spec.user === null ? await deps.platform.findUser(String(deps.self.uid)) : await deps.platform.findUser(spec.user);
  if (!user)
    throw new ReeveError('SPAWN_FAILED', {
      command: spec.command.text,
      why: `there is no user "${spec.user}"`,
      hint: 'check `user` in the config',
    });
  if (user.uid !== deps.self.uid && !deps.self.isRoot) {
    throw new ReeveError('NOT_PERMITTED', {
      message: `${spec.name} is to run as ${user.name}, which only root may do`,
      hint: 'run reeve as root, or take `user` out of the config',
    });
  }
  if (spec.group === null) return user;
  const gid = await deps.platform.findGroup(spec.group);
  if (gid === null)
    throw new ReeveError('SPAWN_FAILED', {
      command: spec.command.text,
      why: `there is no group "${spec.group}"`,
      hint: 'check `group` in the config',
    });
  if (gid !== deps.self.gid && !deps.self.isRoot) {
    throw new ReeveError('NOT_PERMITTED', {
      message: `${spec.name} is to run as the group ${spec.group}, which only root may do`,
      hint: 'run reeve as root, or take `group` out of the config',
    });
  }
  return { ...user, gid };
}
