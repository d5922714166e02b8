import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, posix, resolve, win32 } from 'node:path';
import { prepareFolder } from './safe-folder.ts';
import { workingFolder } from './working-folder.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where the paths of a home are decided; everything else is derived from it. */
export interface Where {
  readonly platform: NodeJS.Platform;
  readonly user: string;
  readonly cwd: string;
}

/** The folder that holds everything: `explicit` (--home), REEVE_HOME, else the platform's place for state. */
export function resolveHome(
  env: Env,
  explicit?: string,
  where: Where = { platform: process.platform, user: homedir(), cwd: workingFolder() },
): string {
  const given = explicit || env['REEVE_HOME'];
  const paths = where.platform === 'win32' ? win32 : posix;
  if (given) return paths.resolve(where.cwd, given);
  if (where.platform === 'darwin') return posix.join(where.user, 'Library/Application Support/reeve');
  if (where.platform === 'win32') {
    return win32.join(env['LOCALAPPDATA'] || win32.join(where.user, 'AppData\\Local'), 'reeve');
  }
  const state = env['XDG_STATE_HOME'];
  // A relative one is to be ignored. Source: XDG Base Directory Specification.
  return posix.join(state && posix.isAbsolute(state) ? state : posix.join(where.user, '.local/state'), 'reeve');
}

/** Every path of a home. Sockets may lie elsewhere, see {@link socketFolder}. */
export interface HomePaths {
  readonly home: string;
  readonly registry: string;
  readonly run: string;
  /** Files that programs without the library announce themselves by. */
  readonly announce: string;
  /** What the library asks before a service that is started manually continues. */
  readonly guard: string;
  readonly sockets: string;
  readonly daemonLock: string;
  readonly controlSocket: string;
  readonly keeperLock: string;
  readonly keeperSocket: string;
  readonly keeper: string;
  readonly journal: string;
  readonly fifos: string;
  readonly logs: string;
  readonly daemonLog: string;
  readonly api: string;
}

export function homePaths(home: string): HomePaths {
  const run = join(home, 'run');
  const sockets = socketFolder(home);
  return {
    home,
    registry: join(home, 'reeve.db'),
    run,
    announce: join(home, 'announce'),
    guard: join(home, 'guard'),
    sockets,
    daemonLock: join(run, 'daemon.lock'),
    controlSocket: join(sockets, 'control.sock'),
    keeperLock: join(run, 'keeper.lock'),
    keeperSocket: join(sockets, 'keeper.sock'),
    keeper: join(home, 'keeper'),
    journal: join(home, 'keeper', 'journal.ndjson'),
    fifos: join(home, 'fifo'),
    logs: join(home, 'logs'),
    daemonLog: join(home, 'daemon.log'),
    api: join(home, 'api.json'),
  };
}

/** `sun_path` holds 108 bytes; the rest is left for names that come later. */
const SOCKET_PATH_BYTES = 100;
const LONGEST_SOCKET_NAME = '0123456789ab.sock';

/**
 * Where the sockets of a home lie: its run folder, unless a path in it would exceed 100 bytes. It depends on the home and
 * the user alone: by the caller's XDG_RUNTIME_DIR a shell without it, or a logout, would lose the daemon.
 */
export function socketFolder(home: string): string {
  const run = join(home, 'run');
  return fits(run) ? run : `/tmp/reeve-${process.getuid?.() ?? 0}-${homeKey(home)}`;
}

/**
 * Where the datagram socket (sd_notify) of one run is bound: among the home's sockets, or, for a service of another
 * user, who cannot enter the home, in a folder of its own below /run. A new run has a new path, so that nothing an
 * older one says can be taken for its word.
 */
export function notifySocket(
  paths: Pick<HomePaths, 'home' | 'sockets'>,
  { id, run, isOtherUser }: { readonly id: string; readonly run: string; readonly isOtherUser: boolean },
): string {
  const name = `${run.slice(0, 12)}${NOTIFY_ENDING}`;
  return isOtherUser ? `/run/reeve/${homeKey(paths.home)}/${id}/${name}` : join(paths.sockets, name);
}
export const NOTIFY_ENDING = '.ntfy';

function homeKey(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 8);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES;
}

/**
 * Makes the home and its folders (0700) where they are missing, and verifies them. Throws HOME_UNSAFE, with the
 * command that fixes it, when another user could write in one of them or put another one in its place.
 */
export function prepareHome(home: string): HomePaths {
  const paths = homePaths(resolve(home));
  prepareFolder(paths.home, 'no-other-writes');
  for (const folder of new Set([paths.run, paths.sockets, paths.keeper, paths.fifos, paths.logs])) {
    prepareFolder(folder, 'no-other-enters');
  }
  return paths;
}

/** `<id>` of an instance: names its files. `folder` is the project's real path. */
export function instanceId(folder: string, service: string, index: number): string {
  return createHash('sha256').update(`${folder}\0${service}\0${index}`).digest('hex').slice(0, 12);
}
