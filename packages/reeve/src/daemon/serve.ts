import { join } from 'node:path';
import { type JournalRecord, ReeveError } from '@reeve/contract';
import { type HomePaths, type Lock, pause } from '@reeve/host';
import { Beat } from '../base/beat.ts';
import { manager } from '../base/managed-by.ts';
import { onContinued } from '../base/on-continued.ts';
import { surviveErrors } from '../base/survive-errors.ts';
import { liveOperations } from '../operations/live.ts';
import { commandBeside } from '../operations/project/guard-file.ts';
import { linuxPlatform } from '../platform/linux-platform.ts';
import { openOrBeginAnew } from '../registry/open.ts';
import type { Dependencies } from '../supervisor/dependencies.ts';
import { registryProblems } from '../supervisor/registry-replaced.ts';
import { KeeperRecords, keeperSeqFact, type RecordSource } from '../supervisor/run/keeper-records.ts';
import { releaseEnded } from '../supervisor/run/release-ended.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { handToKeeper } from '../supervisor/take-over/hand-to-keeper.ts';
import { AnnouncementMirror } from './announcement-mirror.ts';
import { dependenciesOf } from './composition.ts';
import { withAnnouncements } from './control/announced-calls.ts';
import { controlHandlers } from './control/handlers.ts';
import { startControlServer } from './control/server.ts';
import { IdleWatch } from './idle-watch.ts';
import { keeperProgram } from './keepers/keeper-program.ts';
import { Keepers, type KeepersOptions } from './keepers/keepers.ts';
import { type DaemonLog, openDaemonLog } from './log/daemon-log.ts';
import type { DaemonOptions } from './options.ts';
import { watchProgram } from './program-replaced.ts';
import { recoverOrBeginAnew } from './recover-or-begin-anew.ts';
import { historyLimits, Retention } from './retention.ts';
import { ownHome } from './self-check/own-home.ts';
import { ownRegistry } from './self-check/own-registry.ts';
import { ownSocket } from './self-check/own-socket.ts';
import { SelfCheck } from './self-check/self-check.ts';
import { Stalls } from './stalls.ts';
import { trackersOff } from './trackers-off.ts';
import type { HandOver } from './upgrade/hand-over.ts';
import { prepareSuccessor } from './upgrade/prepare-successor.ts';

interface ServeOptions extends DaemonOptions {
  readonly paths: HomePaths;
  readonly lock: Lock;
  /** A keeper that is being started already. */
  readonly coming: Promise<unknown> | null;
  /** Of this process, when it has served before. */
  readonly log?: DaemonLog;
  /** Stands between the supervisor and the world: a test sees what a call that fails does. */
  readonly around?: (world: Dependencies) => Dependencies;
}

/** A daemon with nothing to keep up ends after this long. */
const IDLE_LIMIT = 10 * 60_000;
/** How long open calls may take to answer when a successor waits. Milliseconds. */
const HAND_OVER_GRACE = 200;
/** How long keepers may take to let go of what has ended, when the daemon ends. Milliseconds. */
const RELEASE_LIMIT = 2_000;

/**
 * The composition root, and the life of a daemon that has its home for itself: registry → socket → keeper → what the
 * last one remembered. Calls are taken from the beginning, and answered when that is taken up. Resolves when it has let go of everything: for good (null), or because a successor waits.
 * Services are not its children and stay.
 */
export async function serve(options: ServeOptions): Promise<HandOver | null> {
  const { home, version, keeper, onReady, paths, coming } = options;
  const log = options.log ?? openDaemonLog(paths.daemonLog);
  const platform = linuxPlatform({ home, trackers: trackersOff(process.env['REEVE_TRACKERS_OFF']) });
  const { registry, damage } = openOrBeginAnew({ file: paths.registry });
  log.info({ version, home }, 'the daemon starts');

  let deliver: KeepersOptions['onRecord'] | null = null;
  const early: [JournalRecord, RecordSource][] = [];
  const beat = new Beat((err) => log.error({ err }, 'a regular check failed'));
  const stalls = new Stalls(log);
  const keepers = new Keepers({
    home,
    program: () => keeperProgram(keeper, version),
    coming,
    log,
    beat,
    onStalled: (stall) => stalls.take(stall),
    since: (place) => Number(registry.facts.get(keeperSeqFact(place)) ?? 0),
    onRecord: (record, from) => (deliver ? deliver(record, from) : early.push([record, from])),
    onReplaced: () => void handToKeeper(supervisor).then(() => releaseEnded(supervisor)),
  });
  const world = dependenciesOf({
    paths,
    platform,
    registry,
    log,
    keeper: (run) => keepers.holderOf(run),
    starter: () => keepers.starter(),
    keeperProblem: (run) => keepers.problemOf(run),
    keptRuns: () => keepers.runs(),
  });
  const supervisor: Supervisor = new Supervisor(options.around?.(world) ?? world);

  let finish: (ending: Ending) => void = () => {};
  const ended = new Promise<Ending>((resolve) => {
    finish = resolve;
  });
  const end = (): void => finish(null);
  const mirror = new AnnouncementMirror(paths, supervisor, beat);
  const operations = liveOperations(supervisor, {
    paths,
    command: commandBeside(options.program),
    keepers: () => keepers.about().map(({ pid }) => pid),
  });
  const programReplaced = watchProgram(options);
  const calls = controlHandlers(supervisor, operations, {
    version,
    startedAt: Date.now(),
    home,
    keeperPid: () => keepers.pid,
    problems: async () => {
      await keepers.check();
      return [programReplaced() ?? [], keepers.problems, registryProblems(registry, Date.now())].flat();
    },
    about: () => ({
      program: options.program,
      build: options.build,
      managed_by: manager(),
      keepers: keepers.about(),
      stalls: stalls.newest,
    }),
    shutdown: () => setImmediate(end),
    upgrade: async (wanted, connection) => {
      const successor = await prepareSuccessor(wanted, options, keepers);
      log.info({ pid: successor.pid, program: wanted }, 'a successor is prepared: handing over to it');
      return new Promise((resolve, reject) => finish({ successor, connection, resolve, reject }));
    },
  });
  const handlers = withAnnouncements(calls, supervisor, { mirror, version });
  const recovered = withResolvers();
  const server = await startControlServer({
    socket: paths.controlSocket,
    handlers,
    log,
    onCall: (call) => keepers.busy(`the call "${call}"`),
    opened: recovered.promise,
  });
  try {
    await recoverOrBeginAnew(supervisor, await keepers.ready(), registry, damage);
  } catch (error) {
    recovered.reject(error);
    await server.close();
    throw error;
  }
  const records = new KeeperRecords(supervisor);
  deliver = (record, from) => records.take(record, from);
  for (const [record, from] of early) deliver(record, from);
  const retention = retentionOf(supervisor, mirror, [join(paths.keeper, 'keeper.log')], beat);
  recovered.resolve();
  const idle = new IdleWatch(IDLE_LIMIT, () => manager() === null && !supervisor.isAnythingWanted(), end, beat);
  const onHangUp = (): void => log.info({}, 'SIGHUP: nothing to read again');
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', onHangUp);
  let deposed = null as ReeveError | null; // set in a callback, which the compiler does not see
  const checks = [
    ...ownHome(paths, options.lock),
    ownSocket(server, paths.controlSocket),
    ownRegistry(paths.registry, registry, supervisor, mirror),
  ];
  const onDeposed = (why: string): void => {
    deposed = new ReeveError('DAEMON_DEPOSED', { home, why });
    log.error({ err: deposed }, 'the daemon gives up its role');
    end();
  };
  const stopHearing = onContinued(beat, (most) => stalls.takeOwn(most));
  const selfCheck = new SelfCheck(checks, log, onDeposed, beat);
  const stopSurviving = surviveErrors((err, message) => log.error({ err }, message));
  await onReady();

  const ending = await ended;
  log.info({}, ending ? 'the daemon steps aside' : 'the daemon ends: services stay');
  const since = performance.now();
  stopHearing();
  beat.close();
  selfCheck.close();
  idle.close();
  mirror.close();
  retention.close();
  await server.close(ending ? { grace: HAND_OVER_GRACE, but: ending.connection } : {});
  supervisor.letGo();
  if (ending === null) {
    const released = new AbortController();
    await Promise.race([releaseEnded(supervisor), pause(RELEASE_LIMIT, released.signal)]);
    released.abort();
  }
  await keepers.close({ leave: ending === null && !supervisor.isAnythingAlive() });
  registry.close();
  stopSurviving();
  // Only a daemon that may serve again: a second Ctrl-C must not cut an end short.
  if (ending) process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', onHangUp);
  log.info({}, ending ? 'the daemon has let go of everything but its lock' : 'the daemon has stopped');
  if (deposed) throw deposed;
  return ending && { ...ending, since, log };
}

/** Null: for good. */
type Ending = (Omit<HandOver, 'since' | 'log'> & { readonly connection: number }) | null;

function retentionOf(
  supervisor: Supervisor,
  mirror: AnnouncementMirror,
  complaints: readonly string[],
  beat: Beat,
): Retention {
  const { registry, clock, log } = supervisor.deps;
  return new Retention(
    {
      registry,
      log,
      now: () => clock.now(),
      limits: historyLimits(process.env, log),
      services: () =>
        [...supervisor.projects.values()].flatMap((project) =>
          [...project.services.values()].map(({ row, instances }) => {
            return {
              folder: project.row.folder,
              name: row.name,
              instances: Math.max(row.spec.instances, instances.length),
            };
          }),
        ),
      forgetAnnouncements: (before, most) => mirror.forget(before, most),
      complaints,
    },
    beat,
  );
}

interface Resolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}
/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): Resolvers {
  let resolve: Resolvers['resolve'] = () => {};
  let reject: Resolvers['reject'] = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined); // reported by the code that waits for it
  return { promise, resolve, reject };
}
