import { openToRead, pause } from '@reeve/host';
import { linesOption } from '../command-line/read-options.ts';
import { type Context, has, say } from '../context.ts';
import { pathsOf } from '../daemon/reach-daemon.ts';
import { Interrupts } from '../interrupts.ts';
import { clockTime } from '../terminal/amounts.ts';
import { oneLine, safeText } from '../terminal/safe-text.ts';

const STANDARD = 100;
const EVERY = 200;

export async function run(context: Context): Promise<number> {
  const path = pathsOf(context).daemonLog;
  const newest = linesOption(context, 'lines', STANDARD);
  const reader = new TailReader(path);
  const first = await reader.read();
  if (first === null && !has(context, 'follow')) {
    say(context, `no daemon has run in this home yet: ${path} does not exist`);
    return 0;
  }
  const lines = first ?? [];
  show(context, newest === null ? lines : lines.slice(Math.max(0, lines.length - newest)));
  if (!has(context, 'follow')) return 0;
  using interrupts = new Interrupts(context.io, ['SIGINT', 'SIGTERM'], { outputs: [context.io.out] });
  while (await pause(EVERY, interrupts.signal)) show(context, (await reader.read()) ?? []);
  return interrupts.code;
}

/** Whole lines of a file that grows, and that may be set aside and begun anew. */
class TailReader {
  readonly #path: string;
  #inode = 0;
  #offset = 0;
  constructor(path: string) {
    this.#path = path;
  }
  /** What has come since the last time; null: there is no file. */
  async read(): Promise<readonly string[] | null> {
    const file = await openToRead(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (!file) return null;
    try {
      const { ino, size } = await file.stat();
      if (ino !== this.#inode || size < this.#offset) this.#offset = 0;
      this.#inode = ino;
      const { bytesRead, buffer } = await file.read(
        Buffer.alloc(size - this.#offset),
        0,
        size - this.#offset,
        this.#offset,
      );
      // Cut at a line break, so never within a character.
      const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
      this.#offset += end;
      const text = buffer.subarray(0, end).toString('utf8');
      return text === '' ? [] : text.slice(0, -1).split('\n');
    } finally {
      await file.close();
    }
  }
}

function show(context: Context, lines: readonly string[]): void {
  for (const line of lines) context.io.out.write(`${context.json ? line : readable(context, line)}\n`);
}

/** The log is JSON for programs; a person gets time, level, sentence and the rest. */
function readable({ style, verbose }: Context, line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return safeText(line);
  }
  const { time, level, msg, pid: _pid, err, ...rest } = entry;
  const at = Date.parse(String(time));
  const shown = style.rich && !Number.isNaN(at) ? clockTime(at) : String(time);
  const colour = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'grey';
  const more = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${style.paint('grey', shown)} ${style.paint(colour, String(level).padEnd(5))} ${oneLine([String(msg), ...more].join('  '))}${errorText(err, verbose)}`;
}

function errorText(err: unknown, verbose: boolean): string {
  if (typeof err !== 'object' || err === null) return '';
  const { message, stack } = err as { readonly message?: unknown; readonly stack?: unknown };
  return verbose && typeof stack === 'string' ? `\n${safeText(stack)}` : `: ${oneLine(String(message))}`;
}
