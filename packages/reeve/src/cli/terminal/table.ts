import { displayWidth, fit } from './display-width.ts';
import { oneLine } from './safe-text.ts';
import { type Colour, glyph, type Style } from './style.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be shortened, down to this many characters, when the table is wider than the terminal. */
  readonly shrinksTo?: number;
}
/** A cell's text is foreign until it is shown: it is made safe here. `null`: nothing known. */
export interface Cell {
  readonly text: string | null;
  readonly colour?: Colour;
}
export type Row = readonly (Cell | string | null)[];

const GAP = '  ';

/**
 * A table for people on a terminal (aligned, within its width); for programs one line a row, the cells separated by
 * tabs, and the titles as the first line. Always ends with a line break; empty without rows.
 */
export function renderTable(columns: readonly Column[], rows: readonly Row[], style: Style): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map((_, i) => cellOf(row[i] ?? null, style)));
  if (!style.rich) return renderTsv(columns, cells);
  const widths = shrink(columns, naturalWidths(columns, cells), style.width);
  const heading = columns.map(({ title }) => ({ text: title, colour: 'grey' as const }));
  return [heading, ...cells].map((row) => `${renderRow(columns, row, widths, style)}\n`).join('');
}

function cellOf(cell: Cell | string | null, style: Style): { text: string; colour: Colour | null } {
  const { text, colour = null } = typeof cell === 'string' || cell === null ? { text: cell } : cell;
  if (text === null || text === '') return { text: style.rich ? glyph(style, 'none') : '-', colour: null };
  return { text: oneLine(text), colour };
}

function renderTsv(columns: readonly Column[], rows: readonly (readonly { text: string }[])[]): string {
  const titles = columns.map(({ title }) => title);
  // The column of glyphs has no title and says nothing that the words do not say.
  const kept = titles.flatMap((title, i) => (title === '' ? [] : [i]));
  const lines = [titles, ...rows.map((row) => row.map(({ text }) => text))];
  return lines.map((line) => `${kept.map((i) => line[i] ?? '').join('\t')}\n`).join('');
}

function naturalWidths(columns: readonly Column[], rows: readonly (readonly { text: string }[])[]): number[] {
  return columns.map(({ title }, i) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[i]?.text ?? ''))),
  );
}

/** Takes what is too much from the widest column that may give, until it fits or none can. */
function shrink(columns: readonly Column[], natural: readonly number[], limit: number | null): readonly number[] {
  const widths = [...natural];
  if (limit === null) return widths;
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
  for (let over = total() - limit; over > 0; over = total() - limit) {
    const spare = columns.map(({ shrinksTo }, i) => (shrinksTo === undefined ? 0 : (widths[i] ?? 0) - shrinksTo));
    const most = Math.max(...spare);
    if (most <= 0) break;
    const at = spare.indexOf(most);
    widths[at] = (widths[at] ?? 0) - Math.min(over, Math.max(1, Math.ceil(most / 2)));
  }
  return widths;
}

function renderRow(
  columns: readonly Column[],
  row: readonly { text: string; colour: Colour | null }[],
  widths: readonly number[],
  style: Style,
): string {
  const parts = columns.map(({ align }, i) => {
    const { text, colour } = row[i] ?? { text: '', colour: null };
    const width = widths[i] ?? 0;
    const shown = fit(text, width, glyph(style, 'cut'));
    const space = ' '.repeat(Math.max(0, width - displayWidth(shown)));
    return align === 'right' ? space + style.paint(colour, shown) : style.paint(colour, shown) + space;
  });
  return parts.join(GAP).trimEnd();
}
