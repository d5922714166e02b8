import { execFile } from 'node:child_process';

/** systemd answers at once, or not at all. Milliseconds. */
const PATIENCE = 5_000;

/**
 * Tells systemd that this daemon serves, and that it is the main process of the unit from now on: after an upgrade that
 * is another one than systemd started. Does nothing where nobody asked for it. Resolves with why it could not be told.
 */
export function notifyManager(): Promise<string | null> {
  if (!process.env['NOTIFY_SOCKET']) return Promise.resolve(null);
  return new Promise((resolve) => {
    execFile('systemd-notify', ['READY=1', `MAINPID=${process.pid}`], { timeout: PATIENCE }, (error) =>
      resolve(error && `systemd was not told that the daemon is ready: ${error.message.trim()}`),
    );
  });
}
