/** A line that is longer than the splitter allows. The stream cannot be trusted any more: answer, then close it. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
  constructor(limit: number) {
    super(`a line is longer than ${limit} bytes`);
  }
}

const NEWLINE = 10;

/** One value as one line of JSON, newline included. */
export function encode(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * Cuts a byte stream into lines without their newline. Cuts at bytes, so a character split over two chunks stays
 * whole; memory is bounded by `limit` (bytes of one line).
 */
export class LineSplitter {
  readonly #limit: number;
  #held: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines completed by `chunk`. Throws {@link LineTooLong}; what came before the long line is lost with it. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk.subarray(from, end));
      lines.push(this.#take());
      from = end + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
    return lines;
  }

  /** What has come since the last newline; the splitter is empty afterwards. */
  rest(): string {
    return this.#take();
  }

  #hold(piece: Buffer): void {
    this.#size += piece.length;
    if (this.#size > this.#limit) throw new LineTooLong(this.#limit);
    this.#held.push(piece);
  }

  #take(): string {
    const [only] = this.#held;
    const whole = this.#held.length === 1 && only !== undefined ? only : Buffer.concat(this.#held);
    this.#held = [];
    this.#size = 0;
    return whole.toString('utf8');
  }
}
