import pino, { type Logger } from 'pino';
import { redact } from './redact.ts';
import { RotatingFile } from './rotating-file.ts';

const MAX_SIZE = 10 << 20;
const KEEP = 3;

export interface DaemonLog extends Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> {
  close(): void;
}
export interface DaemonLogOptions {
  /** Default `info`. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error';
  /** Bytes; default 10 MiB. */
  readonly maxSize?: number;
}

/**
 * The daemon's own log: JSON lines `{ level, time, pid, msg, … }` with ISO time, each on its way to the disk before the
 * call returns, so that the last words before a crash are there. Set aside when it is over 10 MiB, at the start or
 * later; three are kept. Values under secret-looking names are masked. A full disk costs lines, which are counted, and
 * nothing else. Throws what the system says when the file cannot be opened.
 */
export function openDaemonLog(path: string, options: DaemonLogOptions = {}): DaemonLog {
  const file = new RotatingFile(path, { maxSize: options.maxSize ?? MAX_SIZE, keep: KEEP, lossLine });
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      // An error is made plain before it is masked; pino's own serializer would see the copy.
      serializers: { err: (plain: unknown) => plain },
      formatters: { level: (level) => ({ level }), log: mask },
    },
    file,
  );
  return Object.assign(logger, { close: () => file.close() });
}

function mask(fields: Record<string, unknown>): Record<string, unknown> {
  const plain = Object.entries(fields).map(([name, value]): [string, unknown] => [
    name,
    value instanceof Error ? pino.stdSerializers.errWithCause(value) : value,
  ]);
  return redact(Object.fromEntries(plain)) as Record<string, unknown>;
}

function lossLine(lines: number, why: string): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: 'warn', time, pid: process.pid, lines, why, msg: 'lines of this log were lost' })}\n`;
}
