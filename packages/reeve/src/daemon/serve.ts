import type { JournalRecord } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { linuxPlatform } from '../platform/linux-platform.ts';
import { openRegistry } from '../registry/open.ts';
import { recoverAll } from '../supervisor/recovery.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { dependenciesOf } from './composition.ts';
import { startControlServer } from './control-server.ts';
import { openDaemonLog } from './daemon-log.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { controlHandlers } from './handlers.ts';
import { IdleWatch } from './idle-watch.ts';
import { KeeperHolder } from './keeper-holder.ts';

export interface ServeOptions extends DaemonOptions {
  readonly paths: HomePaths;
  /** A keeper that is being started already. */
  readonly coming: Promise<unknown> | null;
}

/** A daemon with nothing to keep up ends after this long. */
const IDLE_LIMIT = 10 * 60_000;
/** History older than this is forgotten at a start. */
const HISTORY = 30 * 24 * 3600_000;

/**
 * The composition root, and the life of a daemon that has its home for itself: registry → keeper → what the last one
 * remembered → socket. Resolves when it has ended. Services are not its children and stay.
 */
export async function serve({ home, version, keeper, onReady, paths, coming }: ServeOptions): Promise<void> {
  const log = openDaemonLog(paths.daemonLog);
  const platform = linuxPlatform({ home });
  const registry = openRegistry({ file: paths.registry });
  log.info({ version, home }, 'the daemon starts');

  let deliver: ((record: JournalRecord) => void) | null = null;
  const early: JournalRecord[] = [];
  const holder = new KeeperHolder({
    home,
    program: keeper,
    coming,
    version,
    log,
    since: () => Number(registry.facts.get('keeper_seq') ?? 0),
    onRecord: (record) => (deliver ? deliver(record) : early.push(record)),
  });
  const supervisor = new Supervisor(dependenciesOf({ paths, platform, registry, log, keeper: () => holder.get() }));
  await recoverAll(supervisor, (await holder.get()).runs);
  deliver = (record) => supervisor.record(record);
  for (const record of early) deliver(record);
  forgetOldHistory(supervisor);

  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const handlers = controlHandlers(supervisor, {
    version,
    startedAt: Date.now(),
    home,
    keeperPid: () => holder.pid,
    shutdown: () => setImmediate(end),
  });
  const server = await startControlServer({ socket: paths.controlSocket, handlers, log });
  const idle = new IdleWatch(IDLE_LIMIT, () => !supervisor.isAnythingWanted(), end);
  process.on('SIGTERM', end).on('SIGINT', end);
  process.on('SIGHUP', () => log.info({}, 'SIGHUP: nothing to read again'));
  onReady();

  await ended;
  log.info({}, 'the daemon ends: services stay');
  idle.close();
  await server.close();
  supervisor.letGo();
  await holder.close({ leave: !supervisor.isAnythingAlive() });
  registry.close();
  log.info({}, 'the daemon has ended');
}

function forgetOldHistory(supervisor: Supervisor): void {
  const { registry, clock } = supervisor.deps;
  registry.transaction('usual', () => {
    registry.events.removeBefore(clock.now() - HISTORY);
    registry.runs.removeEndedBefore(clock.now() - HISTORY);
  });
}
