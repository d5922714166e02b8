import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { environOf, listPids } from '@reeve/host';
import { build } from 'esbuild';

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves with what follows `word` on the first line that begins with it; rejects when the program ends before. */
  said(word: string): Promise<string>;
  readonly ended: Promise<Ended>;
}
interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What becomes of stdout and stderr. `closed`: the reader has gone; `full`: no space is left; `unread`: it is never read. */
  readonly output?: 'read' | 'closed' | 'full' | 'unread';
  /** As another user; only root can. */
  readonly uid?: number;
}
export interface ProgramWorld extends AsyncDisposable {
  readonly home: string;
  readonly folder: string;
  /** For `discover` and the like in the test itself. */
  readonly at: { readonly home: string; readonly cwd: string };
  /** Runs a module that has the whole sdk as `sdk`, in the project's folder. */
  start(code: string, options?: StartOptions): Program;
}

/**
 * A home, a project `shop` and programs that use the sdk from its source. `binding` false: where no koffi can be found.
 * Everything that was started is killed at the end, by its pid.
 */
export async function programWorld(binding = true): Promise<ProgramWorld> {
  const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'rv-sdk-')));
  const home = path.join(base, 'home');
  const folder = path.join(base, 'project');
  chmodSync(base, 0o755);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'reeve.yaml'), 'project: shop\nservices: {}\n');
  const bundle = binding
    ? path.resolve(import.meta.dirname, `../../../node_modules/.cache/${path.basename(base)}`)
    : base;
  await build({
    entryPoints: [path.join(import.meta.dirname, 'index.ts')],
    outfile: path.join(bundle, 'sdk.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    conditions: ['reeve-source'],
  });
  const programs: Program[] = [];
  let count = 0;
  return {
    home,
    folder,
    at: { home, cwd: folder },
    start(code, { env = {}, args = [], uid, output = 'read' } = {}) {
      const file = path.join(bundle, `p${++count}.mjs`);
      writeFileSync(
        file,
        `import * as sdk from './sdk.mjs';\nconst say = (...words) => console.log(...words);\n${code}\n`,
      );
      const program = launch([file, ...args], folder, { REEVE_HOME: home, ...env }, uid, output);
      programs.push(program);
      return program;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { child } of programs) child.kill('SIGKILL');
      // And what they have started, which carries their environment.
      for (const pid of listPids()) if (environOf(pid)?.get('REEVE_HOME') === home) killIfThere(pid);
      await Promise.all(programs.map(({ ended }) => ended));
      rmSync(base, { recursive: true, force: true });
      rmSync(bundle, { recursive: true, force: true });
    },
  };
}

function launch(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  uid: number | undefined,
  output: NonNullable<StartOptions['output']>,
): Program {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(REEVE_|NOTIFY_|VITEST|NODE_)/.test(name)),
  );
  const full = output === 'full' ? openSync('/dev/full', 'w') : output === 'unread' ? unreadPipe(cwd) : null;
  const child = spawn(process.execPath, [...args], {
    cwd,
    env: { ...inherited, ...env },
    stdio: ['ignore', full ?? 'pipe', full ?? 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  if (full !== null) closeSync(full);
  let stdout = '';
  let stderr = '';
  if (output === 'closed') for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  if (output === 'read') {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
  }
  const ended = once(child, output === 'read' ? 'close' : 'exit').then(
    ([code, signal]) => ({ code, signal, stdout, stderr }) as Ended,
  );
  const find = (word: string): string | null => {
    const line = stdout.split('\n').find((each, at, all) => at < all.length - 1 && each.startsWith(word));
    return line === undefined ? null : line.slice(word.length).trim();
  };
  const said = async (word: string): Promise<string> => {
    for (;;) {
      const found = find(word);
      if (found !== null) return found;
      if (child.exitCode !== null || child.signalCode !== null) {
        await ended;
        const last = find(word);
        if (last !== null) return last;
        throw new Error(`ended without saying "${word}"\n${stdout}${stderr}`);
      }
      await Promise.race([child.stdout ? once(child.stdout, 'data') : ended, ended]);
    }
  };
  return { pid: child.pid ?? 0, child, said, ended };
}

/** A pipe with a reader, who never reads: both are this one descriptor, which the program inherits. */
function unreadPipe(folder: string): number {
  const pipe = path.join(folder, `unread-${Math.random()}`);
  execFileSync('mkfifo', [pipe]);
  return openSync(pipe, 'r+');
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}
