import { closeSync, writeSync } from 'node:fs';
import { ReeveError } from '@reeve/contract';
import { systemError } from '@reeve/host';

/**
 * Tells the launcher of this daemon (cli/daemon/launch-daemon.ts) that it answers now: the line `ready` on the descriptor that
 * `REEVE_READY_FD` names, which is closed. Does nothing when it was not asked for, or the second time.
 */
export function reportReady(): void {
  tell('ready');
}

/** Tells the daemon that this one is to succeed (succession.ts) that it could do so now. */
export function reportPrepared(): void {
  const fd = Number(process.env['REEVE_READY_FD']);
  if (Number.isInteger(fd) && fd >= 3) heard(fd, 'prepared\n');
}

/**
 * Tells why the daemon ends instead: on standard error, and as `error {"code":…,"params":…}` to the launcher that waits.
 * Returns the exit code. An error outside the catalogue becomes INTERNAL, its stack on standard error.
 */
export function reportFailure(error: unknown): number {
  const known =
    error instanceof ReeveError
      ? error
      : (systemError(error) ?? new ReeveError('INTERNAL', { message: String(error) }));
  const shown = error instanceof ReeveError ? error.message : error instanceof Error ? error.stack : known.message;
  heard(2, `${new Date().toISOString()} ${shown}\n`);
  tell(`error ${JSON.stringify({ code: known.code, params: known.params })}`);
  return known.exit;
}

/** The variable goes too: no child of the daemon may take its own fd 3 for it. */
function tell(line: string): void {
  const fd = Number(process.env['REEVE_READY_FD']);
  delete process.env['REEVE_READY_FD'];
  if (!Number.isInteger(fd) || fd < 3) return;
  if (heard(fd, `${line}\n`)) closeSync(fd);
}

/** false: it is not heard. The launcher gave up and is gone, or the variable came from elsewhere: the daemon lives on. */
function heard(fd: number, text: string): boolean {
  try {
    writeSync(fd, text);
    return true;
  } catch (failure) {
    const { code = '' } = failure as NodeJS.ErrnoException;
    if (['EPIPE', 'EBADF', 'ECONNRESET', 'ENOSPC', 'EAGAIN'].includes(code)) return false;
    throw failure;
  }
}
