import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { type ClientOptions, type ClientResult, type RunningClient, startClient } from './client.ts';
import { freePort, releasePort } from './free-port.ts';
import { type OutsideCgroup, outsideCgroup } from './outside-cgroup.ts';
import { isStillThere, killSeen, processesOf, type SeenProcess } from './proc-scan.ts';
import { program } from './program.ts';
import { until } from './until.ts';

/** A home and a project folder of a test's own; nothing of it is left when the test ends. */
export interface TestReeve extends AsyncDisposable {
  readonly home: string;
  /** The project's folder: where commands run unless they name another. */
  readonly folder: string;
  /** Writes reeve.yaml (JSON is YAML) and returns its path. */
  project(config: object | string, folder?: string): string;
  /** Writes a file of the project and returns its path. */
  file(name: string, content: string): string;
  /** argv of one of test/programs, marked so that it can be seen from outside whatever it does to its environment. */
  program(name: string, ...args: readonly string[]): readonly string[];
  /** A free port, given to this test alone. */
  port(): Promise<number>;
  /** Runs the built command to its end. Does not throw for an exit code: assert it. */
  run(args: readonly string[], options?: ClientOptions): Promise<ClientResult>;
  /** Starts a command that keeps running (`up --attach`, `logs -f`, `events -f`). Ended with the test. */
  start(args: readonly string[], options?: ClientOptions): RunningClient;
  /** Runs a command with --json, demands exit code 0 and returns what it printed. */
  json<T>(args: readonly string[], options?: ClientOptions): Promise<T>;
  /** Everything alive that has to do with this home or project, seen without reeve's help. */
  outside(): readonly SeenProcess[];
}

export interface TestReeveOptions {
  /** Added to the environment of every command. */
  readonly env?: Readonly<Record<string, string>>;
  /** Put everything into a cgroup of the test's own, where that is possible. Default true. */
  readonly cgroup?: boolean;
  /** Run every command as `nobody`; only root can. */
  readonly asNobody?: boolean;
  /** Put before every command: what changes the world that it runs in (`unshare -Ur …`). */
  readonly within?: readonly string[];
}

/** `await using reeve = startReeve();` The daemon itself starts on demand, as for any user. */
export function startReeve(options: TestReeveOptions = {}): TestReeve {
  const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'rv-')));
  const home = path.join(base, 'home');
  const folder = path.join(base, 'project');
  // Services that run as another user must reach the project; the home is private.
  chmodSync(base, 0o755);
  mkdirSync(home, { mode: 0o700 });
  mkdirSync(folder);
  const cgroup = options.cgroup === false ? null : outsideCgroup(path.basename(base));
  const become = options.asNobody ? becomeNobody(home, folder) : [];
  const ports: number[] = [];
  const clients: RunningClient[] = [];
  const start = (args: readonly string[], extra: ClientOptions = {}) => {
    const env = { REEVE_HOME: home, REEVE_PORT: '0', ...options.env, ...extra.env };
    const client = startClient(args, { cwd: folder, ...extra, env }, [
      ...(cgroup?.enter ?? []),
      ...become,
      ...(options.within ?? []),
    ]);
    clients.push(client);
    return client;
  };
  const reeve: TestReeve = {
    home,
    folder,
    start,
    run: (args, extra) => start(args, extra).ended,
    json: async <T>(args: readonly string[], extra?: ClientOptions) => {
      const result = await start([...args, '--json'], extra).ended;
      if (result.code !== 0) throw new Error(`reeve ${args.join(' ')} ended with ${result.code}\n${result.stderr}`);
      return result.json() as T;
    },
    project: (config, where = folder) => {
      const text = typeof config === 'string' ? config : `${JSON.stringify(config, null, 2)}\n`;
      return write(path.join(where, 'reeve.yaml'), text);
    },
    file: (name, content) => write(path.join(folder, name), content),
    program: (name, ...args) => program(name, ...args, `mark=${base}`),
    port: async () => {
      const port = await freePort();
      ports.push(port);
      return port;
    },
    outside: () => seen(base, cgroup),
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.kill();
      const stop = await start(['daemon', 'stop', '--with-services']).ended;
      const left = await leftovers(base, cgroup);
      for (const port of ports) releasePort(port);
      await cgroup?.remove();
      if (left.length > 0)
        throw new Error(`left behind and now killed:\n${describe(left)}\n${stop.stdout}${stop.stderr}`);
    },
  };
  forgetOrExplain(reeve, base);
  return reeve;
}

/** Gives the folders to `nobody`; what is put before a command to run it as that user. */
function becomeNobody(...folders: readonly string[]): readonly string[] {
  const id = (flag: string) => execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }).trim();
  const [uid, gid] = [id('-u'), id('-g')];
  for (const folder of folders) chownSync(folder, Number(uid), Number(gid));
  return ['setpriv', '--reuid', uid, '--regid', gid, '--clear-groups', '--', 'env', `HOME=${folders[0]}`];
}

function write(file: string, content: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function seen(base: string, cgroup: OutsideCgroup | null): readonly SeenProcess[] {
  const byPid = new Map([...processesOf(base), ...(cgroup?.processes() ?? [])].map((each) => [each.pid, each]));
  return [...byPid.values()];
}

/** Who is there although all was stopped; they are ended here, one by one, so that no test harms the next. */
async function leftovers(base: string, cgroup: OutsideCgroup | null): Promise<readonly SeenProcess[]> {
  // The commands above were just killed or have just ended: the kernel may need a moment to clear them away.
  const left = await until('everything has ended', () => seen(base, cgroup).length === 0, 2_000).then(
    () => [],
    () => seen(base, cgroup),
  );
  for (const each of left) killSeen(each);
  await until('the killed are gone', () => !left.some(isStillThere));
  return left;
}

function describe(processes: readonly SeenProcess[]): string {
  return processes.map((each) => `  ${each.pid} ${each.command} (found by ${each.because})`).join('\n');
}

/** After a test that passed the files go; after one that failed they stay, and their last words are printed. */
function forgetOrExplain(reeve: TestReeve, base: string): void {
  onTestFinished(async ({ task }) => {
    if (task.result?.state !== 'fail') {
      rmSync(base, { recursive: true, force: true });
      return;
    }
    const options = { cwd: reeve.folder, env: { REEVE_HOME: reeve.home } };
    const events = await startClient(['events', '-n', '40'], options).ended;
    const log = await startClient(['daemon', 'logs', '-n', '40'], options).ended;
    const text = `kept for a look: ${base}\n--- events\n${events.stdout}${events.stderr}\n--- daemon log\n${log.stdout}${log.stderr}`;
    process.stderr.write(`\n${task.name}\n${text}\n`);
  });
}
