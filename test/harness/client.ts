import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');

export interface ClientOptions {
  readonly cwd?: string;
  /** Added to the test's own environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input. */
  readonly input?: string;
  /** Another build's command (other-build.ts); default: the built one. */
  readonly bin?: string;
  /** The Node that runs it; default: the test's own. */
  readonly node?: string;
  /** Milliseconds until the command is killed and the test fails. Default one minute. */
  readonly limit?: number;
}

export interface ClientResult {
  /** Exit code; 128 + n for a signal, as a shell shows it. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as one JSON value. */
  json(): unknown;
  /** stdout as JSON lines. */
  jsonLines(): readonly unknown[];
}

export interface RunningClient {
  readonly pid: number;
  /** Resolves when the command has ended. Rejects only when it could not start or outlived its limit. */
  readonly ended: Promise<ClientResult>;
  /** Resolves with the first line of stdout or stderr that matches, printed before or after the call. */
  line(pattern: RegExp): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, when it still runs. */
  kill(): void;
}

/** Runs `packages/reeve/bin/reeve.js`; `wrapper` is put before it. */
export function startClient(
  args: readonly string[],
  options: ClientOptions = {},
  wrapper: readonly string[] = [],
): RunningClient {
  const [command = '', ...rest] = [...wrapper, options.node ?? process.execPath, options.bin ?? bin, ...args];
  const child = spawn(command, rest, {
    cwd: options.cwd,
    env: environment(options.env ?? {}),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said = `reeve ${args.join(' ')}`;
  const output = { stdout: '', stderr: '' };
  const lines = new Lines();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
    createInterface({ input: child[name] }).on('line', (line) => lines.add(line));
  }
  // A command that ends without reading its input is not an error of the test.
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const limit = options.limit ?? 60_000;
  const ended = new Promise<ClientResult>((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      lines.end(`${said} ended (${signal ?? code})\n${output.stdout}${output.stderr}`);
      if (late) reject(new Error(`${said} did not end in ${limit} ms\n${output.stdout}${output.stderr}`));
      else resolve(result(said, code, signal, output));
    });
  });
  // A test that only reads lines never looks at the end; an unread rejection must not bring the test run down.
  ended.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ended,
    line: (pattern) => lines.first(pattern),
    signal: (signal) => void child.kill(signal),
    kill: () => void (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')),
  };
}

function environment(changes: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', ...changes };
  // What vitest sets for itself does not concern the program under test.
  for (const name of ['NODE_OPTIONS', 'NODE_ENV', 'VITEST', 'TEST', 'FORCE_COLOR']) {
    if (changes[name] === undefined) delete merged[name];
  }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

function result(
  said: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): ClientResult {
  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`${said} printed no JSON but:\n${text}\nstderr:\n${stderr}`);
    }
  };
  return {
    code: code ?? 128 + (signal === null ? 0 : (signalNumbers[signal] ?? 0)),
    signal,
    stdout,
    stderr,
    json: () => parse(stdout),
    jsonLines: () => stdout.split('\n').filter(Boolean).map(parse),
  };
}

/** The lines printed so far, and who waits for one. */
class Lines {
  readonly #seen: string[] = [];
  #waiting: { pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #over: string | null = null;

  add(line: string): void {
    this.#seen.push(line);
    for (const waiter of this.#waiting.filter(({ pattern }) => pattern.test(line))) waiter.resolve(line);
    this.#waiting = this.#waiting.filter(({ pattern }) => !pattern.test(line));
  }

  first(pattern: RegExp): Promise<string> {
    const line = this.#seen.find((each) => pattern.test(each));
    if (line !== undefined) return Promise.resolve(line);
    if (this.#over !== null) return Promise.reject(new Error(`no line like ${pattern}: ${this.#over}`));
    return new Promise((resolve, reject) => this.#waiting.push({ pattern, resolve, reject }));
  }

  end(how: string): void {
    this.#over = how;
    for (const { pattern, reject } of this.#waiting) reject(new Error(`no line like ${pattern}: ${how}`));
    this.#waiting = [];
  }
}
