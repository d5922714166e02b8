import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ServiceCard } from '@reeve/contract';
import { killSeen, lookAt, processesOf } from '../harness/proc-scan.ts';
import { until } from '../harness/until.ts';

/** A hundred programs may start at once, on a machine that has other things to do. Milliseconds. */
const PATIENCE = 100_000;

/** A library under test: argv of its program, which takes one argument (see test/programs/managed-node.mjs). */
export interface Speaker {
  readonly name: string;
  readonly command: readonly string[];
}
/** What the program is asked to be. */
export interface Wish {
  readonly service?: string;
  readonly ready?: boolean;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly takes_second?: boolean;
  readonly stops?: readonly string[];
  readonly announce?: {
    readonly start?: unknown;
    readonly cleanup?: unknown;
    readonly cleanup_timeout?: number;
    readonly ports?: readonly number[];
    readonly capabilities?: readonly string[];
  };
}
export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  readonly stderr: () => string;
  /** Resolves with the first (or `nth`) line of stdout that matches, and fails when the program ends without one. */
  line(pattern: RegExp, nth?: number): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** A home and a project folder of a test's own; processes that still live at the end are killed. */
export interface World extends AsyncDisposable {
  readonly home: string;
  readonly folder: string;
  /** Files of a service of the folder: the ids are worked out here, not by the library under test. */
  file(ending: 'lock' | 'sock' | 'json', service?: string): string;
  card(service?: string): ServiceCard;
  start(speaker: Speaker, wish?: Wish, env?: Readonly<Record<string, string>>): Started;
  /** The same, and waits until it is open. */
  open(speaker: Speaker, wish?: Wish, env?: Readonly<Record<string, string>>): Promise<Started>;
}

export function world(home?: string): World {
  const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'rm-')));
  const where = path.join(base, home ?? 'home');
  const folder = path.join(base, 'project');
  mkdirSync(folder);
  const file = (ending: 'lock' | 'sock' | 'json', service = 'web-editor') =>
    path.join(where, 'run', `${idOf(folder, service)}.${ending}`);
  const start = (speaker: Speaker, wish: Wish = {}, env: Readonly<Record<string, string>> = {}): Started =>
    launch([...speaker.command, JSON.stringify(wish)], folder, { REEVE_HOME: where, ...env });
  return {
    home: where,
    folder,
    file,
    start,
    card: (service) => JSON.parse(readFileSync(file('json', service), 'utf8')) as ServiceCard,
    open: async (...args) => {
      const started = start(...args);
      await started.line(/^open /);
      return started;
    },
    [Symbol.asyncDispose]: async () => {
      for (const left of processesOf(base)) killSeen(left);
      await until('no process is left', () => processesOf(base).length === 0);
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Source: decision 0007. */
function idOf(folder: string, service: string): string {
  return createHash('sha256').update(`${folder}\0${service}\x000`).digest('hex').slice(0, 12);
}

/** Whether a process is there and no zombie. */
export function lives(pid: number): boolean {
  return lookAt(pid, '') !== null;
}

function launch(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Started {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { cwd, env: { ...inherited(), ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  // It may end before it has read all: that is seen by what it did not say.
  child.stdin.on('error', () => undefined);
  const lines: string[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const line = (pattern: RegExp, nth = 1) =>
    until(
      `it prints ${pattern}`,
      () => {
        const found = lines.filter((each) => pattern.test(each))[nth - 1];
        if (found === undefined && isOver)
          throw new Error(`it ended without ${pattern}:\n${lines.join('\n')}\n${stderr}`);
        return found;
      },
      PATIENCE,
    );
  return { pid: child.pid ?? 0, child, lines, stderr: () => stderr, line, ended };
}

/** Nothing of the session that runs the tests must be taken for the service's own. */
function inherited(): NodeJS.ProcessEnv {
  const names = /^(REEVE_|NOTIFY_SOCKET|WATCHDOG_|NODE_|VITEST|XDG_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.test(name)));
}
