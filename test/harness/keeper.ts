import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { JournalRecord, LogSpec, LogStream, ProcessIdentity, SpawnRequest } from '@reeve/contract';
import { parseSegmentName } from '@reeve/contract';
import { scanStats } from '@reeve/host';
import { build } from 'esbuild';
import type { Keeper } from '../../packages/reeve/src/core/interfaces.ts';
import { connectKeeper } from '../../packages/reeve/src/platform/keeper-link.ts';
import { until } from './until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const entry = path.join(root, 'packages/reeve/src/keeper/main.ts');

export const ROTATION: LogSpec = { max_size: 10 * 1024 * 1024, max_files: 5, max_age: null, compress: false };
type Ended = Extract<JournalRecord, { kind: 'exited' }>;

/** Bundles the keeper as it is shipped; its argv. */
export async function buildKeeper(folder: string, binding = true): Promise<readonly [string, string]> {
  const outfile = path.join(folder, 'keeper.mjs');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi'],
    conditions: ['reeve-source'],
    logLevel: 'warning',
  });
  if (binding) symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return [process.execPath, outfile];
}

/** A real keeper in a home of its own, bundled as it is shipped, and a daemon's end of it. */
export class TestKeeper implements AsyncDisposable {
  readonly home: string;
  readonly program: readonly string[];
  readonly records: JournalRecord[] = [];
  readonly #spawned: ProcessIdentity[] = [];
  readonly #keepers = new Set<number>();
  #link: Keeper | null = null;
  #runs = 0;
  lost = 0;

  private constructor(home: string, program: readonly string[]) {
    this.home = home;
    this.program = program;
  }

  /** `binding: false`: as on a machine where koffi cannot be installed. `descriptors`: a hard limit; 0: ours. */
  static async start({ binding = true, descriptors = 0 } = {}): Promise<TestKeeper> {
    const home = mkdtempSync(path.join(tmpdir(), 'reeve-keeper-'));
    const program = await buildKeeper(path.join(home, 'bundle'), binding);
    const within =
      descriptors === 0
        ? []
        : ['sh', '-c', `export REEVE_TRACKERS_OFF=clean-session; ulimit -n ${descriptors}; exec "$@"`, 'sh'];
    const keeper = new TestKeeper(home, [...within, ...program]);
    await keeper.connect();
    return keeper;
  }

  get link(): Keeper {
    if (this.#link === null) throw new Error('not connected');
    return this.#link;
  }

  /** Connects like a new daemon that has written down everything it heard. Starts a keeper where there is none. */
  async connect(since = this.records.at(-1)?.seq ?? 0): Promise<Keeper> {
    this.#link = await connectKeeper({
      home: this.home,
      program: this.program,
      version: 'test',
      since,
      onRecord: (record) => this.records.push(record),
      onLost: () => {
        this.lost += 1;
      },
    });
    this.#keepers.add(this.#link.pid);
    return this.#link;
  }

  /** A request with everything filled in; the log goes to the home's `logs/<id>`. */
  request(argv: readonly string[], change: Partial<SpawnRequest> = {}): SpawnRequest {
    this.#runs += 1;
    const id = change.id ?? this.#runs.toString(16).padStart(12, '0');
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
    const logs = { folder: this.folder(id), rotation: ROTATION };
    const plain = { run: `run-${this.#runs}`, id, argv, cwd: this.home, env, logs };
    return { ...plain, user: null, umask: null, nice: null, limits: {}, cgroup: null, mark: null, ...change };
  }

  async spawn(
    argv: readonly string[],
    change: Partial<SpawnRequest> = {},
  ): Promise<SpawnRequest & { readonly process: ProcessIdentity }> {
    const request = this.request(argv, change);
    const process = await this.link.spawn(request);
    this.#spawned.push(process);
    return { ...request, process };
  }

  /** Spawns and waits for its end. */
  async run(
    argv: readonly string[],
    change: Partial<SpawnRequest> = {},
  ): Promise<SpawnRequest & { readonly ended: Ended }> {
    const spawned = await this.spawn(argv, change);
    return { ...spawned, ended: await this.ended(spawned.run) };
  }

  ended(run: string): Promise<Ended> {
    return until(`the end of ${run} is reported`, () =>
      this.records.find((record): record is Ended => record.kind === 'exited' && record.run === run),
    );
  }

  folder(id: string): string {
    return path.join(this.home, 'logs', id);
  }

  /** Everything that is in the segments of a stream, oldest first. */
  log(id: string, stream: LogStream = 'out'): string {
    const folder = this.folder(id);
    const names = existsSync(folder) ? readdirSync(folder) : [];
    const files = names.map(parseSegmentName).filter((file) => file?.stream === stream);
    const sorted = files.filter((file) => file !== null).sort((a, b) => a.number - b.number);
    const parts = sorted.map(({ name, compressed }) => {
      const bytes = readFileSync(path.join(folder, name));
      return compressed ? gunzipSync(bytes) : bytes;
    });
    return Buffer.concat(parts).toString('utf8');
  }

  /** SIGKILL to the keeper; resolves when it is gone. */
  async kill(): Promise<void> {
    const { pid } = this.link;
    process.kill(pid, 'SIGKILL');
    await until('the link notices', () => this.lost > 0);
    this.lost = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each leads a session of its own, in which whatever it started still is when it has ended itself.
    for (const { pid, session, start } of scanStats()) {
      if (this.#spawned.some((one) => one.pid === session && start >= one.start)) process.kill(pid, 'SIGKILL');
    }
    this.#link?.close();
    for (const pid of this.#keepers) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it was killed by the test
      }
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
