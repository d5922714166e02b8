/** One value as one line. */
export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** Cuts decoded text into lines. Memory is bounded by `limit` characters of one line. */
export class LineReader {
  readonly #limit: number;
  #pieces: string[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines completed by `text`, without their newline; `null` when a line is too long: the stream is lost. */
  push(text: string): string[] | null {
    const lines: string[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.#pieces.push(text.slice(from, end));
      lines.push(this.#pieces.join(''));
      this.#pieces = [];
      this.#length = 0;
      from = end + 1;
    }
    if (from < text.length) this.#pieces.push(text.slice(from));
    this.#length += text.length - from;
    return this.#length > this.#limit ? null : lines;
  }
}
