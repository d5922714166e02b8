import { iso } from '../base/instant.ts';
import { lineSafe } from '../base/line-safe.ts';
import { lineView, lostText } from '../operations/logs/line-view.ts';
import type { LogPlace, LogSource, SourcedLine } from '../operations/logs/log-source.ts';
import { type SecretsOf, secretsIn } from '../operations/logs/secret-values.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import { withMemory } from './memory.ts';
import { clockTime } from './terminal/amounts.ts';
import type { Colour, Style } from './terminal/style.ts';

const remembered = new WeakMap<Context, Map<string, SecretsOf>>();

/** The logs of a project, whose secrets are read once for each command. */
export function logPlace(context: Context, project: string, folder: string): LogPlace {
  const known = remembered.get(context) ?? new Map<string, SecretsOf>();
  remembered.set(context, known);
  const secrets = known.get(folder) ?? secretsIn((read) => withMemory(context, read), folder);
  known.set(folder, secrets);
  return { paths: pathsOf(context), project, folder, secrets };
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
    if (json) return `${JSON.stringify(lineView(line))}\n`;
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

function rawBytes({ bytes, ended }: SourcedLine): Uint8Array {
  const own = bytes ?? Buffer.alloc(0);
  return ended ? Buffer.concat([own, NEWLINE]) : own;
}

/** Width of the names; 0 for a single one. */
export function nameWidthOf(sources: readonly LogSource[]): number {
  return sources.length > 1 ? Math.max(...sources.map(({ label }) => label.length)) : 0;
}
