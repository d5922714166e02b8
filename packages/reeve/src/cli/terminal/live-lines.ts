import type { Output } from '../io.ts';
import { displayWidth, fit } from './display-width.ts';
import { glyph, type Style } from './style.ts';

/** At most this often. Milliseconds: nothing moves faster than a person can read. */
const PACE = 250;
/** More lines than this are not read while they change. */
const MOST = 20;
/** Of the terminal: what is written over must never have scrolled away. */
const LEFT_FREE = 2;

/**
 * Lines on a terminal that are written over while they change: plain text, cut to the width, since a line that wraps
 * could not be written over. The terminal may be resized meanwhile. On anything else it writes nothing.
 */
export class LiveLines implements Disposable {
  readonly #out: Output;
  readonly #style: Style;
  readonly #lines: (room: number) => readonly string[];
  readonly #timer: NodeJS.Timeout | null;
  /** COLUMNS said how wide it is, whatever the terminal says. */
  readonly #isFixed: boolean;
  #shown: readonly string[] = [];
  #width = 0;

  /** `lines` gets the number of lines that there is room for. */
  constructor(out: Output, style: Style, lines: (room: number) => readonly string[]) {
    this.#out = out;
    this.#style = style;
    this.#lines = lines;
    this.#isFixed = style.width !== out.columns;
    this.#timer = style.rich ? setInterval(() => this.draw(), PACE).unref() : null;
    this.draw();
  }

  draw(): void {
    if (!this.#style.rich) return;
    const room = Math.max(1, Math.min(MOST, (this.#out.rows ?? MOST + LEFT_FREE) - LEFT_FREE));
    const width = this.#columns - 1;
    const lines = this.#lines(room)
      .slice(0, room)
      .map((line) => fit(line, width, glyph(this.#style, 'cut')));
    const isSame = lines.length === this.#shown.length && lines.every((line, i) => line === this.#shown[i]);
    if (isSame && width === this.#width) return;
    this.#out.write(`${this.#erase()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#shown = lines;
    this.#width = width;
  }

  /** Leaves them as they stand: what comes is written below. */
  keep(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#shown = [];
  }

  /** Takes them away. */
  [Symbol.dispose](): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#out.write(this.#erase());
    this.#shown = [];
  }

  get #columns(): number {
    return (this.#isFixed ? this.#style.width : this.#out.columns) || 80;
  }

  /** Up, to the first column, and clear to the end of the screen. A terminal that became narrower has wrapped them. */
  #erase(): string {
    const columns = this.#columns;
    const rows = this.#shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
    return rows === 0 ? '' : `\u001b[${rows}A\r\u001b[J`;
  }
}

/** So many lines of a list that there is room for, the last of which says how many are left out. */
export function withinRoom(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  return [...lines.slice(0, Math.max(0, room - 1)), `  and ${lines.length - Math.max(0, room - 1)} more`];
}
