import type { Interrupt, Io, Output } from './io.ts';

/** A command's streams, kept. For tests. */
export interface TestIo extends Io {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** As if the signal had come. */
  readonly interrupt: (signal: Interrupt) => void;
}

export interface TestIoOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Width of the terminal; without it there is none. */
  readonly terminal?: number;
}

export function testIo(options: TestIoOptions = {}): TestIo {
  const kept = { out: '', err: '' };
  const heard = new Map<(signal: Interrupt) => void, readonly Interrupt[]>();
  const output = (name: 'out' | 'err'): Output => ({
    isTTY: options.terminal !== undefined,
    columns: options.terminal ?? 0,
    write: (text) => {
      kept[name] += Buffer.from(text).toString();
    },
  });
  return {
    out: output('out'),
    err: output('err'),
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    daemon: ['/bin/false'],
    becomeDaemon: () => Promise.reject(new Error('no test becomes the daemon')),
    onInterrupt: (signals, listener) => {
      heard.set(listener, signals);
      return () => void heard.delete(listener);
    },
    stdout: () => kept.out,
    stderr: () => kept.err,
    interrupt: (signal) => {
      for (const [listener, signals] of heard) if (signals.includes(signal)) listener(signal);
    },
  };
}
