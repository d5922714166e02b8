import { ReeveError } from '@reeve/contract';
import { readLog } from '../logs/read-log.ts';

/**
 * The newest lines of an instance's log (of one run, where it is given), oldest first; none when it has no log yet, or
 * something else lies in its place: they only help to explain.
 */
export async function lastLines(folder: string, newest: number, run?: string): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    for await (const { line, lost } of readLog({ folder, newest, run })) if (lost === undefined) lines.push(line);
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'HOME_UNSAFE')) throw error;
  }
  return lines;
}
