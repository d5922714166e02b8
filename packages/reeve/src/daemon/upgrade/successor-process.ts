import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type ErrorCode, type Params, ReeveError } from '@reeve/contract';
import { after, openToAppend } from '@reeve/host';
import { SUCCEEDS, TAKE } from './protocol.ts';

/** How long a successor may take to be prepared, and then to serve. Milliseconds. */
const PREPARE = 30_000;
const SERVE = 30_000;
/** A report longer than this is none. Characters. */
const REPORT = 64 << 10;

export interface SuccessorOptions {
  readonly home: string;
  readonly program: readonly string[];
  /** Descriptor of the lock that it shares. */
  readonly lock: number;
  readonly keeperProtocols: readonly number[];
}

/** A daemon of another program that waits for ours to step aside. */
export class Successor {
  readonly #child: ChildProcess;
  readonly #reports: Reports;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#reports = new Reports(child);
  }

  /**
   * Starts it, and resolves when it has read everything it needs and has found no reason why it could not take over.
   * Throws UPGRADE_FAILED with what it says; it is gone then.
   */
  static async prepare(options: SuccessorOptions): Promise<Successor> {
    const successor = new Successor(start(options));
    await successor.#expect('prepared', PREPARE);
    return successor;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Tells it to serve, which it may do only when we have let go of everything. Throws as `prepare` does. */
  async takeOver(): Promise<void> {
    const [, , , , , orders] = this.#child.stdio as unknown as Writable[];
    orders?.on('error', () => undefined); // it is gone: its exit is reported
    orders?.write(`${TAKE}\n`);
    await this.#expect('ready', SERVE);
    this.#child.removeAllListeners();
    this.#child.on('error', () => undefined);
    this.#child.unref();
  }

  /** Ends it, and resolves when it is gone. */
  async dismiss(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #expect(word: string, within: number): Promise<void> {
    const said = await this.#reports.next(within);
    if (said === word) return;
    await this.dismiss();
    throw new ReeveError('UPGRADE_FAILED', { why: readable(said) });
  }
}

function start({ home, program, lock, keeperProtocols }: SuccessorOptions): ChildProcess {
  const [command = '', ...args] = program;
  const complaints = openToAppend(join(home, 'daemon.err'));
  try {
    return spawn(command, args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', complaints, 'pipe', lock, 'pipe'],
      env: { ...process.env, REEVE_HOME: home, REEVE_READY_FD: '3', [SUCCEEDS]: keeperProtocols.join(',') },
    });
  } finally {
    closeSync(complaints);
  }
}

/** What it says, line by line; its end is said too. */
class Reports {
  readonly #said: string[] = [];
  #wake: () => void = () => undefined;
  #text = '';

  constructor(child: ChildProcess) {
    const pipe = child.stdio[3] as Readable;
    pipe.setEncoding('utf8').on('data', (piece: string) => this.#hear(piece));
    pipe.on('error', () => undefined);
    child.on('error', (error: NodeJS.ErrnoException) =>
      this.#say(`it cannot be run: ${child.spawnargs[0]}: ${error.code ?? error.message}`),
    );
    child.on('close', (code, signal) => this.#say(`it ended with ${code ?? signal}`));
  }

  async next(within: number): Promise<string> {
    const deadline = performance.now() + within;
    for (;;) {
      const line = this.#said.shift();
      if (line !== undefined) return line;
      const left = deadline - performance.now();
      if (left <= 0) return `it said nothing within ${within / 1000} s`;
      await new Promise<void>((resolve) => {
        const timer = after(left, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
    }
  }

  #hear(piece: string): void {
    const lines = `${this.#text}${piece}`.slice(-REPORT).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#say(line);
  }

  #say(line: string): void {
    this.#said.push(line);
    this.#wake();
  }
}

/** `error {"code":…,"params":…}` in the words of the catalogue, with what it says to do. */
function readable(said: string): string {
  if (!said.startsWith('error ')) return said;
  try {
    const { code, params } = JSON.parse(said.slice(6)) as { code: ErrorCode; params: Params };
    if (code === 'UPGRADE_FAILED') return String(params['why']);
    const { message, hint } = new ReeveError(code, params);
    return hint === null ? message : `${message} (${hint})`;
  } catch {
    return said;
  }
}
