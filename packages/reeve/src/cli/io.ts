/** What a command reads and writes: the process's own, or a test's. */
export interface Output {
  readonly isTTY: boolean;
  /** Width in characters; ignored where nothing is a terminal. */
  readonly columns: number;
  /** Height in lines; left out where nothing is a terminal. */
  readonly rows?: number;
  /** What can no longer arrive is dropped. */
  write(text: string | Uint8Array): void;
  /** Aborted as soon as something could not be written; nothing is lost where it is left out. */
  readonly lost?: AbortSignal;
  /** Resolves when the reader has taken what waits for it, or when aborted or lost; left out: the output is never slow. */
  drained?(signal?: AbortSignal): Promise<void>;
}

export type Interrupt = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Io {
  /** Results. */
  readonly out: Output;
  /** Talk: progress, notes, errors. */
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** argv of the daemon program, for a command that has to start it. */
  readonly daemon: readonly string[];
  /** Runs the daemon in this process: `reeve daemon run`. Resolves with its exit code. */
  readonly becomeDaemon: (home: string) => Promise<number>;
  /** Calls back at each of these signals, which then end nothing by themselves. Returns how to stop. */
  onInterrupt(signals: readonly Interrupt[], heard: (signal: Interrupt) => void): () => void;
}
