import { runCommand } from '@reeve/host';

/** systemd answers at once, or not at all. Milliseconds. */
const PATIENCE = 5_000;

/**
 * Tells systemd that this daemon serves, and that it is the main process of the unit from now on: after an upgrade that
 * is another one than systemd started. Does nothing where it was not asked for. Resolves with why systemd could not be informed.
 */
export async function notifyManager(): Promise<string | null> {
  if (!process.env['NOTIFY_SOCKET']) return null;
  const command = ['systemd-notify', 'READY=1', `MAINPID=${process.pid}`];
  const { reason, message } = await runCommand({ command, cwd: '/', env: process.env, limit: PATIENCE });
  return reason === 'done'
    ? null
    : `systemd could not be informed that the daemon is ready: systemd-notify: ${message}`;
}
