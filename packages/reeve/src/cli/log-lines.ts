import { join } from 'node:path';
import type { LogLineView, LostOutput } from '@reeve/contract';
import { instanceId } from '@reeve/host';
import { iso } from '../base/instant.ts';
import { shortLine } from '../base/short-line.ts';
import { maskValues } from '../core/spec/environment.ts';
import { lineSafe } from '../logs/line-safe.ts';
import type { LogLine } from '../logs/log-line.ts';
import { mergeLogs } from '../logs/merge-logs.ts';
import { readLog } from '../logs/read-log.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import { secretValues } from './secret-values.ts';
import { clockTime } from './terminal/amounts.ts';
import type { Colour, Style } from './terminal/style.ts';

/** One instance's log. */
export interface LogSource {
  readonly project: string;
  readonly service: string;
  readonly instance: number;
  /** `api`, or `api:1` where there are several. */
  readonly label: string;
  /** Folder of its segments. */
  readonly folder: string;
  /** What is masked in its lines. */
  readonly secrets: () => Promise<readonly string[]>;
}

export interface Place {
  readonly project: string;
  /** Of the project. */
  readonly folder: string;
}

export function logSource(
  context: Context,
  place: Place,
  service: string,
  instance: number,
  isOneOfMany: boolean,
): LogSource {
  const folder = join(pathsOf(context).logs, instanceId(place.folder, service, instance));
  const label = isOneOfMany ? `${service}:${instance}` : service;
  const secrets = (): Promise<readonly string[]> => secretValues(context, place.folder, service);
  return { project: place.project, service, instance, label, folder, secrets };
}

/** A line with whose it is. */
export interface SourcedLine extends LogLine {
  readonly source: LogSource;
}

export async function* withSource(source: LogSource, lines: AsyncIterable<LogLine>): AsyncGenerator<SourcedLine> {
  let secrets: readonly string[] | null = null;
  for await (const line of lines) {
    secrets ??= await source.secrets();
    yield secrets.length === 0 ? { ...line, source } : { ...masked(line, secrets), source };
  }
}

/** Bytes are masked as bytes: what is not UTF-8 stays as it is. */
function masked(line: LogLine, secrets: readonly string[]): LogLine {
  const text = { ...line, line: maskValues(line.line, secrets) };
  if (line.bytes === undefined) return text;
  const asBytes = secrets.map((secret) => Buffer.from(secret).toString('latin1'));
  return { ...text, bytes: Buffer.from(maskValues(line.bytes.toString('latin1'), asBytes), 'latin1') };
}

/** The newest lines of all instances of a service, made safe, oldest first. */
export async function newestLines(
  folder: string,
  service: string,
  instances: readonly number[],
  newest: number,
  context: Context,
): Promise<readonly { readonly at: number; readonly line: string }[]> {
  const sources = instances.map((index) =>
    logSource(context, { project: '', folder }, service, index, instances.length > 1),
  );
  const lines: { at: number; line: string }[] = [];
  const readers = sources.map((source) => withSource(source, readLog({ folder: source.folder, newest })));
  for await (const { at, line, lost } of mergeLogs(readers)) {
    lines.push({ at, line: lost === undefined ? shortLine(lineSafe(line, { colours: false })) : lostText(lost) });
  }
  return lines.slice(-newest);
}

export interface LineManner {
  readonly style: Style;
  readonly json: boolean;
  readonly raw: boolean;
  /** When each line was written. */
  readonly times: boolean;
  /** Columns for the names; 0: one source, which needs no name. */
  readonly nameWidth: number;
}

const COLOURS: readonly Colour[] = ['cyan', 'yellow', 'green', 'magenta', 'blue'];

/** How lines of several services are distinguished: a name of its own colour before each. */
export function lineFormat(
  sources: readonly LogSource[],
  manner: LineManner,
): (line: SourcedLine) => string | Uint8Array {
  const names = [...new Set(sources.map(({ label }) => label))];
  const colours = new Map(names.map((name, i) => [name, COLOURS[i % COLOURS.length] ?? null]));
  const { style, json, raw, times, nameWidth } = manner;
  return (line) => {
    if (json) return `${JSON.stringify(viewOf(line))}\n`;
    if (raw) return rawBytes(line);
    const { label } = line.source;
    const time = times ? `${style.rich ? style.paint('grey', clockTime(line.at)) : iso(line.at)} ` : '';
    const name = nameWidth === 0 ? '' : `${style.paint(colours.get(label) ?? null, label.padEnd(nameWidth))} `;
    const text =
      line.lost === undefined
        ? lineSafe(line.line, { colours: style.colours })
        : style.paint('yellow', lostText(line.lost));
    return `${time}${name}${text}\n`;
  };
}

const NEWLINE = Buffer.from('\n');

function rawBytes({ bytes, ended }: LogLine): Uint8Array {
  const own = bytes ?? Buffer.alloc(0);
  return ended ? Buffer.concat([own, NEWLINE]) : own;
}

function lostText({ bytes, why }: LostOutput): string {
  const what = bytes === null ? 'output' : `${bytes} bytes of output`;
  return `-- ${what} lost here: ${lineSafe(why, { colours: false })}`;
}

function viewOf({ at, seq, run, stream, line, source, lost }: SourcedLine): LogLineView {
  const { project, service, instance } = source;
  const view = { at: iso(at), seq, project, service, instance, run, stream, line };
  return lost === undefined ? view : { ...view, lost };
}

/** Width of the names; 0 for a single one. */
export function nameWidthOf(sources: readonly LogSource[]): number {
  return sources.length > 1 ? Math.max(...sources.map(({ label }) => label.length)) : 0;
}
