import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type PsView, ReeveError, type Requester, type ServiceView, type Waited } from '@reeve/contract';
import { homePaths, prepareHome } from '@reeve/host';
import { ReeveClient } from '@reeve/sdk';
import { expect, test } from 'vitest';
import { InjectedFaults } from '../../../../test/harness/injected-faults.ts';
import { buildKeeper } from '../../../../test/harness/keeper.ts';
import { loadConfig } from '../config/load.ts';
import { serve } from './serve.ts';
import { takeDaemonLock } from './single-instance.ts';

/** Of the dependencies: what computes, and asks the system for nothing. */
const PURE = [
  'log',
  'clock',
  'chance',
  'self',
  'home',
  'newRunId',
  'newMark',
  'instanceId',
  'logFolder',
  'notifySocket',
];
const actor: Requester = { kind: 'cli', user: userInfo().username, pid: process.pid };

/** Ends at its first start, stays at its second, with everything that makes the daemon look, probe and lease. */
const CONFIG = `
services:
  a:
    command: 'n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) >n; test $n -ge 1 || exit 3; echo up; trap "" TERM; exec sleep 1000'
    user: ${userInfo().username}
    ports: [auto]
    restart: { policy: always, backoff: '0' }
    ready: { log: up }
    health: { command: 'true', interval: 50ms }
    stop: { timeout: 100ms }
`;

interface Daemon extends AsyncDisposable {
  readonly faults: InjectedFaults;
  readonly client: ReeveClient;
  readonly lines: string[];
  readonly base: string;
}

/** A daemon in this process, with a keeper of its own, in a home of its own. */
async function startDaemon(): Promise<Daemon> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-faults-')));
  const home = join(base, 'home');
  const paths = prepareHome(home);
  const faults = new InjectedFaults(PURE);
  const lines: string[] = [];
  const note = (facts: unknown, text: string) => void lines.push(`${text} ${describe(facts)}`);
  const log = { debug: note, info: note, warn: note, error: note, close: () => undefined } as never;
  const keeper = await buildKeeper(join(base, 'bundle'));
  const lock = await takeDaemonLock(paths);
  let ready: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const ended = serve({
    home,
    version: 'test',
    program: [process.execPath],
    build: 'test',
    keeper,
    onReady: ready,
    paths,
    lock,
    coming: null,
    log,
    around: (deps) => faults.around(deps),
  });
  await Promise.race([isReady, ended]);
  const client = await ReeveClient.connect({ socket: homePaths(home).controlSocket, home });
  return {
    faults,
    client,
    lines,
    base,
    [Symbol.asyncDispose]: async () => {
      await client.call('shutdown', { with_services: true, actor });
      await client.close();
      await ended;
      await lock.release();
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function describe(facts: unknown): string {
  return JSON.stringify(facts, (_, value: unknown) =>
    value instanceof Error ? { message: value.message, cause: value.cause, stack: value.stack } : value,
  );
}

/** A small project: applied, crashes once, is started again, is stopped. What its calls answered, errors as text. */
class SmallProject {
  readonly #client: ReeveClient;
  readonly folder: string;
  readonly said: string[] = [];

  constructor({ client, base }: Daemon, n: number) {
    this.#client = client;
    this.folder = join(base, `p${n}`);
    mkdirSync(this.folder);
    writeFileSync(join(this.folder, 'reeve.yaml'), CONFIG);
  }

  /** Under a fault each answer will do, as long as there is one. `patience`: how long it may take to be ready (ms). */
  async live(patience: number): Promise<void> {
    await this.#attempt(() => this.apply());
    await this.#attempt(() => this.ready(patience));
    await this.#attempt(() => this.service());
    await this.#attempt(() => this.signal());
    await this.#attempt(() => this.stop(false));
  }

  async apply(): Promise<void> {
    const { project, guard } = await loadConfig({ cwd: this.folder, env: process.env });
    const environment = { PATH: process.env['PATH'] ?? '' };
    await this.#client.call('apply', { project, environment, services: [], prune: false, guard, actor });
  }
  /** When it is ready, has failed, or the time (ms) is over. */
  async ready(timeout: number): Promise<Waited> {
    const params = { project: { folder: this.folder }, services: [], until: 'ready', timeout } as const;
    return this.#client.call('wait', params, { deadline: 60_000 });
  }
  async signal(): Promise<void> {
    const project = { folder: this.folder };
    await this.#client.call('signal', { project, service: 'a', signal: 'SIGCONT', actor });
  }
  async stop(force: boolean): Promise<string> {
    const params = { project: { folder: this.folder }, services: [], timeout: force ? 0 : 300, force, actor };
    return (await this.#client.call('stop', params, { deadline: 60_000 })).receipt.status;
  }
  async forget(): Promise<string> {
    const params = { project: { folder: this.folder }, purge: true, timeout: 300, actor };
    return (await this.#client.call('down', params, { deadline: 60_000 })).receipt.status;
  }
  async service(): Promise<ServiceView | null> {
    const { projects } = await this.#client.call('ps', { project: { folder: this.folder } });
    const [view] = projects as readonly PsView[];
    return view?.services[0] ?? null;
  }

  async #attempt(step: () => Promise<unknown>): Promise<void> {
    this.said.push(describe((await step().catch((error: unknown) => error)) ?? null));
  }
}

/** What could not be written down is not known: there is nothing to stop. */
function ifUnknown(error: unknown): 'COMPLETE' {
  if (error instanceof ReeveError && error.code === 'PROJECT_UNKNOWN') return 'COMPLETE';
  throw error;
}

/** Afterwards everything works: null; else what does not. */
async function recovered(project: SmallProject): Promise<string | null> {
  try {
    const first = await project.stop(true).catch(ifUnknown);
    if (first !== 'COMPLETE') return `the stop after the fault: ${first}`;
    await project.apply();
    const waited = await project.ready(30_000);
    if (waited.outcome !== 'met') return `it does not start: ${describe(waited)}`;
    const last = await project.forget();
    return last === 'COMPLETE' ? null : `down: ${last}`;
  } catch (error) {
    const service = await project.service().catch(() => null);
    return `${describe(error)} ${service?.state}: ${service?.reason}`;
  }
}

/** Lets each call fail in turn that the healthy project makes; of all of them this is part `part` of `parts`. Returns what went wrong. */
async function failEach(part: number, parts: number): Promise<readonly string[]> {
  await using daemon = await startDaemon();
  const { faults, lines } = daemon;
  const healthy = new SmallProject(daemon, 0);
  await healthy.live(60_000);
  const wrong: string[] = [];
  const note = (path: string, what: string | null) => what !== null && wrong.push(`${path}: ${what}`);
  note('no fault', await recovered(healthy));
  const paths = [...faults.seen.keys()];
  if (paths.length < MOST_CERTAIN) note('no fault', `only ${paths.length} calls: ${paths.join()}`);
  for (const [n, path] of paths.entries()) {
    if (n % parts !== part) continue;
    lines.splice(0);
    const project = new SmallProject(daemon, n + 1);
    const text = faults.arm(path, n);
    await project.live(1_500);
    const { hits } = faults;
    faults.disarm();
    note(path, await recovered(project));
    const isSaid = [...lines, ...project.said].some((line) => line.includes(text));
    if (hits > 0 && !isSaid && !QUIET.has(path)) note(path, 'nothing says that it failed');
    note(path, lines.find((line) => line.startsWith('unhandled error')) ?? null);
  }
  return wrong;
}

/** Read for a hint beside an answer; a registry that cannot be read is reported where something depends on it. */
const QUIET: ReadonlySet<string> = new Set(['registry.facts.get']);
/** Fewer calls than this would show that the adapters are not seen. */
const MOST_CERTAIN = 40;
/** Daemons at once, each with its part of the calls: most of the time is waiting. */
const PARTS = 3;

test('D3, D7: a fault in any call of an adapter leaves the daemon at work; it is reported, and afterwards everything works', async () => {
  const parts = Array.from({ length: PARTS }, (_, part) => failEach(part, PARTS));
  expect((await Promise.all(parts)).flat()).toEqual([]);
}, 240_000);
