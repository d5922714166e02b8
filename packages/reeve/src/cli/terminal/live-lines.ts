import type { Output } from '../io.ts';
import { fit } from './display-width.ts';
import { glyph, type Style } from './style.ts';

/** At most this often. Milliseconds: nothing moves faster than a person can read. */
const PACE = 250;
/** More lines than this would scroll away under their own rewriting. */
const MOST = 20;

/**
 * Lines on a terminal that are written over while they change: plain text, cut to the width, since a line that wraps
 * could not be written over. On anything else it writes nothing.
 */
export class LiveLines implements Disposable {
  readonly #out: Output;
  readonly #style: Style;
  readonly #lines: () => readonly string[];
  readonly #timer: NodeJS.Timeout | null;
  #shown: readonly string[] = [];

  constructor(out: Output, style: Style, lines: () => readonly string[]) {
    this.#out = out;
    this.#style = style;
    this.#lines = lines;
    this.#timer = style.rich ? setInterval(() => this.draw(), PACE).unref() : null;
    this.draw();
  }

  draw(): void {
    if (!this.#style.rich) return;
    const width = (this.#style.width ?? 80) - 1;
    const all = this.#lines();
    const kept = all.length > MOST ? [...all.slice(0, MOST - 1), `  … and ${all.length - MOST + 1} more`] : all;
    const lines = kept.map((line) => fit(line, width, glyph(this.#style, 'cut')));
    if (lines.length === this.#shown.length && lines.every((line, i) => line === this.#shown[i])) return;
    this.#out.write(`${erase(this.#shown.length)}${lines.map((line) => `${line}\n`).join('')}`);
    this.#shown = lines;
  }

  /** Takes them away. */
  [Symbol.dispose](): void {
    if (this.#timer) clearInterval(this.#timer);
    if (this.#shown.length > 0) this.#out.write(erase(this.#shown.length));
    this.#shown = [];
  }
}

/** Up, to the first column, and clear to the end of the screen. */
function erase(lines: number): string {
  return lines === 0 ? '' : `\u001b[${lines}A\r\u001b[J`;
}
