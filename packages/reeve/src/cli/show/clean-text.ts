import type { CleanRow } from '../../operations/clean-up/clean-rows.ts';
import { count } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { glyph, type Style } from '../terminal/style.ts';

/** A line each: what was done, or every problem. */
export function cleanLines(rows: readonly CleanRow[], style: Style): string {
  return rows.map((row) => `${cleanLine(row, style)}\n`).join('');
}

function cleanLine(row: CleanRow, style: Style): string {
  const name = oneLine(row.service === null ? row.project : `${row.project}/${row.service}`);
  const mark = row.ok ? style.paint('green', glyph(style, 'ok')) : style.paint('red', glyph(style, 'bad'));
  const said = row.ok ? wellDone(row) : row.problems.map((problem) => oneLine(problem));
  return `${mark} ${name}  ${said.join('; ')}`;
}

function wellDone({ reason, ended, ports, message }: CleanRow): readonly string[] {
  return [
    reason === 'done' ? `cleaned up${message === null ? '' : ` (${oneLine(message)})`}` : 'no clean-up announced',
    ...(ended.length > 0 ? [`${count(ended.length, 'process', 'processes')} ended`] : []),
    ...(ports.length > 0 ? [`${ports.map(({ port }) => port).join(' ')} free`] : []),
  ];
}
