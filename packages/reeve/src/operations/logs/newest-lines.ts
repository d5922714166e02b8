import { lineSafe } from '../../base/line-safe.ts';
import { shortLine } from '../../base/short-line.ts';
import { mergeLogs } from '../../logs/merge-logs.ts';
import { readLog } from '../../logs/read-log.ts';
import { lostText } from './line-view.ts';
import { type LogPlace, logSource, withSource } from './log-source.ts';

/** The newest lines of some instances of a service, made safe, oldest first. */
export async function newestLines(
  place: LogPlace,
  service: string,
  instances: readonly number[],
  newest: number,
): Promise<readonly { readonly at: number; readonly line: string }[]> {
  const sources = instances.map((index) => logSource(place, service, index, instances.length > 1));
  const lines: { at: number; line: string }[] = [];
  const readers = sources.map((source) => withSource(source, readLog({ folder: source.folder, newest })));
  for await (const { at, line, lost } of mergeLogs(readers)) {
    lines.push({ at, line: lost === undefined ? shortLine(lineSafe(line, { colours: false })) : lostText(lost) });
  }
  return lines.slice(-newest);
}
