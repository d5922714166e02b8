import type { ProcessIdentity } from './states.ts';

/**
 * A process that must get every byte of a log (`reeve run`) says in the log's folder how far it is; the keeper does not
 * run away from it.
 */
export interface LogReader {
  readonly process: ProcessIdentity;
  /** The segment of each stream that it reads; 0: none yet. */
  readonly out: number;
  readonly err: number;
}

export function readerName(pid: number): string {
  return `reader.${pid}`;
}
export function isReaderName(name: string): boolean {
  return /^reader\.\d+$/.test(name);
}

/** null: it is not the text of one. */
export function parseLogReader(text: string): LogReader | null {
  try {
    const { process, out, err } = JSON.parse(text) as LogReader;
    const { pid, start, boot } = process;
    const isSound = [pid, start, out, err].every(Number.isSafeInteger) && typeof boot === 'string';
    return isSound ? { process: { pid, start, boot }, out, err } : null;
  } catch {
    return null;
  }
}
