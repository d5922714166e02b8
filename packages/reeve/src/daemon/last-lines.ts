import { readLog } from '../logs/read-log.ts';

/** The newest lines of an instance's log (of one run, where it is given), oldest first; none when it has no log yet. */
export async function lastLines(folder: string, newest: number, run?: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { line, lost } of readLog({ folder, newest, run })) if (lost === undefined) lines.push(line);
  return lines;
}
