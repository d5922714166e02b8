import { execFile } from 'node:child_process';
import { loadSyscalls } from '@reeve/host';

type Env = Readonly<Record<string, string | undefined>>;
/** A helper program that hangs must not hold up a service. Milliseconds. */
const HELPER_TIMEOUT = 2000;

/** How a supervisor is informed: reeve or systemd (sd_notify), or a parent over Node's IPC channel. */
export interface Notifier {
  /** `READY=1`, `STATUS=…`. Resolves when it was handed over, or could not be; never rejects. In order. */
  tell(...assignments: readonly string[]): Promise<void>;
  /** Milliseconds within which the supervisor wants `WATCHDOG=1`; null: it wants none from us. */
  readonly watchdog: number | null;
}

/** With no supervisor every call is done at once and does nothing. */
export function notifier(env: Env = process.env): Notifier {
  const socket = env['NOTIFY_SOCKET'];
  let last = Promise.resolve();
  return {
    tell(...assignments) {
      if (!socket) return last;
      // A line each: what has a newline in it would be read as more than it is.
      const lines = assignments.map((each) => each.replace(/[\r\n]+/g, ' '));
      last = last.then(() => send(socket, lines));
      return last;
    },
    watchdog: socket ? watchdogOf(env) : null,
  };
}

/** Source: sd_watchdog_enabled(3). */
function watchdogOf(env: Env): number | null {
  const pid = env['WATCHDOG_PID'];
  const micros = Number(env['WATCHDOG_USEC']);
  if (pid && Number(pid) !== process.pid) return null;
  return Number.isFinite(micros) && micros > 0 ? micros / 1000 : null;
}

/** Node has no Unix datagrams: the binding where the program has it, else `systemd-notify`; else the card must do. */
async function send(socket: string, lines: readonly string[]): Promise<void> {
  if (sendByBinding(socket, lines.join('\n'))) return;
  await new Promise<void>((resolve) => {
    const env = { ...process.env, NOTIFY_SOCKET: socket };
    execFile('systemd-notify', ['--no-block', ...lines], { env, timeout: HELPER_TIMEOUT }, () => resolve());
  });
}

function sendByBinding(socket: string, text: string): boolean {
  const binding = loadSyscalls();
  if (!binding.available) return false;
  try {
    binding.calls.sendDatagram(socket, text);
  } catch {
    return false; // nothing is listening there any more, and a report of that could not be delivered either
  }
  return true;
}
