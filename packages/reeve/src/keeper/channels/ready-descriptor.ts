import { closeSync } from 'node:fs';
import { Socket } from 'node:net';

const NEWLINE = 10;

/**
 * Our end of the FIFO on which a run tells readiness: a newline means ready (as s6 has it), its end without one that
 * it never will. Only the first of both is reported. What comes later is read and forgotten, so that no writer blocks on it.
 */
export class ReadyDescriptor {
  readonly #fd: number;
  readonly #tell: (isReady: boolean) => void;
  #stream: Socket | null = null;
  #isTold = false;

  /** Takes the descriptor over. */
  constructor(fd: number, tell: (isReady: boolean) => void) {
    this.#fd = fd;
    this.#tell = tell;
  }

  begin(): void {
    const stream = new Socket({ fd: this.#fd, readable: true, writable: false });
    stream.on('data', (chunk: Buffer) => {
      if (chunk.includes(NEWLINE)) this.#once(true);
    });
    stream.on('end', () => this.#once(false));
    stream.on('error', () => stream.destroy());
    this.#stream = stream;
  }

  close(): void {
    this.#isTold = true;
    if (this.#stream === null) closeSync(this.#fd);
    else this.#stream.destroy();
  }

  #once(isReady: boolean): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#tell(isReady);
  }
}
