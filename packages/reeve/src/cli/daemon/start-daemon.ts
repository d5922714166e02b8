import { prepareHome } from '@reeve/host';
import type { ReeveClient } from '@reeve/sdk';
import { connectOrLaunch } from './connect-or-launch.ts';
import type { LaunchOptions } from './launch-daemon.ts';

/** Makes the home where it is missing, and a daemon in it. Throws HOME_UNSAFE, DAEMON_UNREACHABLE. */
export async function startDaemon(options: LaunchOptions): Promise<ReeveClient> {
  const { home, controlSocket } = prepareHome(options.home);
  return connectOrLaunch({ ...options, home, socket: controlSocket });
}
