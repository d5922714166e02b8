import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import {
  type AdoptedRun,
  type Exit,
  type KeeperReplies,
  type LogStream,
  NO_CHANNELS,
  type ProcessIdentity,
  type RunOrigin,
  type SpawnRequest,
} from '@reeve/contract';
import { bootId, isSame, readStat } from '@reeve/host';
import { iso } from '../base/instant.ts';
import { type ChannelsWorld, type GivenChannels, RunChannels } from './channels/channels.ts';
import { HeldSockets } from './channels/held-sockets.ts';
import { removeOtherSockets } from './channels/notify-socket.ts';
import type { Journal } from './journal/journal.ts';
import type { OpenRun } from './journal/journal-fold.ts';
import type { LogFolders } from './output/log-folders.ts';
import { Outputs } from './output/outputs.ts';
import { Pacer } from './output/pacer.ts';
import { Adoption } from './reaping/adoption.ts';
import { Strangers } from './reaping/non-children.ts';
import { asSpawnRefusal, Refused } from './refusal.ts';
import { Run } from './run.ts';
import {
  type FifoEnds,
  makeFifos,
  removeFifos,
  removeOtherFifos,
  reopenFifo,
  reopenRemovedFifo,
} from './spawn/fifos.ts';
import { type Launched, launch } from './spawn/launch.ts';
import { WrapperReports } from './spawn/wrapper-reports.ts';
import { wrapperDone } from './spawn/wrapper-wait.ts';

export interface KeeperWorld {
  readonly fifos: string;
  readonly journal: Journal;
  readonly folders: LogFolders;
  /** Where the notify sockets of our own user's services lie. */
  readonly sockets: string;
  /** Orphans land here; false, for tests and diagnosis: wherever they would without us. */
  readonly adopts: boolean;
  readonly report: (message: string) => void;
}
type Fds = Readonly<Record<LogStream, number | null>>;
/** Our ends of a run's streams and channels. */
interface Ours {
  readonly fds: Fds;
  readonly channels: RunChannels;
}

/** The hands: starts, waits, copies output, writes down what happened. Decides nothing. */
export class Keeper {
  readonly #world: KeeperWorld;
  readonly #pacer = new Pacer();
  readonly #runs = new Map<string, Run>();
  readonly #starting = new Map<string, Promise<ProcessIdentity>>();
  /** Starts that are being tried at this moment. */
  readonly #attempts = new Set<Promise<ProcessIdentity>>();
  readonly #strangers = new Strangers((run) => this.#ended(run, unobserved()));
  readonly #adoption: Adoption;
  readonly sockets = new HeldSockets();
  #reports: WrapperReports | null = null;
  /** Called whenever nothing is held any more. */
  onIdle: () => void = () => undefined;

  /** Takes over what an earlier keeper has left. */
  constructor(world: KeeperWorld) {
    this.#world = world;
    this.#adoption = new Adoption(
      ({ process, exit }, of) => {
        world.journal.append({ kind: 'reaped', run: of?.run ?? null, id: of?.id ?? null, process, exit });
      },
      { adopts: world.adopts },
    );
    const { open } = world.journal;
    removeOtherFifos(
      world.fifos,
      open.map(({ spawned }) => spawned),
    );
    removeOtherSockets(
      world.sockets,
      open.flatMap(({ spawned }) => spawned.channels?.notify ?? []),
    );
    for (const run of open) this.#takeOver(run);
  }

  get runs(): readonly Run[] {
    return [...this.#runs.values()];
  }

  /** Why it neither adopts orphans nor marks what it spawns; null: it does. */
  get noAdoption(): string | null {
    return this.#adoption.why;
  }

  get idle(): boolean {
    return this.#runs.size === 0 && this.#starting.size === 0;
  }

  /** Throws {@link Refused}. Everything up to the spawn itself happens at once, before the caller continues. */
  async spawn(request: SpawnRequest): Promise<ProcessIdentity> {
    const { run } = request;
    if (this.#runs.has(run) || this.#starting.has(run)) throw new Refused('BAD_REQUEST', `run ${run} is held already`);
    const starting = this.#startSparingly(request);
    this.#starting.set(run, starting);
    try {
      return await starting;
    } catch (error) {
      throw asSpawnRefusal(error);
    } finally {
      this.#starting.delete(run);
      if (this.idle) this.onIdle();
    }
  }

  /** A run that a lost journal named: the daemon knows it. It is held from now on as if the journal had named it. */
  adopt({ run, id, process, logs, channels = NO_CHANNELS, origin }: AdoptedRun): void {
    if (this.#runs.has(run) || this.#starting.has(run)) return;
    const { journal } = this.#world;
    journal.append({ kind: 'spawned', run, id, process, logs, channels, ...(origin ? { origin } : {}) });
    const adopted = journal.open.find(({ spawned }) => spawned.run === run);
    if (adopted !== undefined) this.#takeOver(adopted);
  }

  /** Throws {@link Refused} UNKNOWN_RUN. */
  originOf(run: string): RunOrigin | null {
    const known = this.#world.journal.open.find(({ spawned }) => spawned.run === run);
    if (known === undefined) throw new Refused('UNKNOWN_RUN', `no run ${run} is held`);
    return known.spawned.origin ?? null;
  }

  get isStarting(): boolean {
    return this.#starting.size > 0;
  }

  /** When every start that is under way has been written down, or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#starting.values());
  }

  /** `bytes`: how much this keeper has read from the run. Throws {@link Refused} UNKNOWN_RUN. */
  release(name: string): KeeperReplies['release'] {
    const run = this.#runs.get(name);
    if (run === undefined) throw new Refused('UNKNOWN_RUN', `no run ${name} is held`);
    run.outputs.drain();
    run.released = true;
    if (run.exit !== null) this.#forget(run);
    return { bytes: run.outputs.bytes };
  }

  /** A run that leaves no descriptor for its log files would lose what it writes: it is refused instead. */
  async #startWithReserve(request: SpawnRequest): Promise<ProcessIdentity> {
    refuseWithout(RESERVE + this.#attempts.size * OF_A_START);
    return this.#start(request);
  }

  /** Where descriptors are short, a start goes before log files that are not written to now, and after the other starts. */
  async #startSparingly(request: SpawnRequest): Promise<ProcessIdentity> {
    for (;;) {
      const attempt = this.#startWithReserve(request);
      this.#attempts.add(attempt);
      try {
        return await attempt;
      } catch (error) {
        this.#attempts.delete(attempt);
        if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
        if (this.#world.folders.spareDescriptors()) continue;
        if (this.#attempts.size === 0) throw error;
        await Promise.race([...this.#attempts].map((other) => other.catch(() => undefined)));
      } finally {
        this.#attempts.delete(attempt);
      }
    }
  }

  async #start(request: SpawnRequest): Promise<ProcessIdentity> {
    const ends = makeFifos(this.#world.fifos, request);
    const { channels, given } = this.#openChannels(request, ends);
    this.#adoption.remember(request);
    const fds = { out: ends.out.read, err: ends.err.read };
    try {
      const { child, pid, wrapped, ipc } = await this.#launch(request, ends, given);
      const process = identityOf(pid); // not later: what has ended is a zombie only until the event loop turns
      const { run } = request;
      if (wrapped) await wrapperDone(run, child, { reports: this.#wrapperReports(), stderr: fds.err });
      channels.attach(child, ipc);
      this.#hold(request, process, { fds, channels }, child);
      return process;
    } catch (error) {
      for (const fd of Object.values(fds)) closeSync(fd);
      channels.close();
      removeFifos(this.#world.fifos, request.id, request.run);
      this.#adoption.forget(request.run);
      throw error;
    }
  }

  #openChannels(request: SpawnRequest, { out, err }: FifoEnds): ReturnType<typeof RunChannels.open> {
    try {
      return RunChannels.open(request, this.#channelsWorld());
    } catch (error) {
      for (const fd of [out.read, out.write, err.read, err.write]) closeSync(fd);
      removeFifos(this.#world.fifos, request.id, request.run);
      throw error;
    }
  }

  #channelsWorld(): ChannelsWorld {
    const { fifos, journal, report } = this.#world;
    return { fifos, journal, report, sockets: this.sockets };
  }

  async #launch(request: SpawnRequest, { out, err }: FifoEnds, given: GivenChannels): Promise<Launched> {
    try {
      const reports = () => this.#wrapperReports().fd;
      return await launch(request, { out: out.write, err: err.write, reports, given }, this.#adoption);
    } finally {
      closeSync(out.write);
      closeSync(err.write);
      if (given.ready !== null) closeSync(given.ready);
    }
  }

  #hold(request: SpawnRequest, process: ProcessIdentity, { fds, channels }: Ours, child: ChildProcess): void {
    const { run, id, logs, origin } = request;
    const { channels: wanted = NO_CHANNELS } = request;
    const told = origin ? { origin } : {};
    this.#world.journal.append({ kind: 'spawned', run, id, process, logs, channels: wanted, ...told });
    const held = new Run({ run, id, process, channels, outputs: this.#outputs({ run, id, logs, fds }) });
    this.#runs.set(run, held);
    channels.begin();
    const ended = (): void => this.#ended(held, exitOf(child));
    if (child.exitCode !== null || child.signalCode !== null) ended();
    else child.once('exit', ended);
  }

  #takeOver({ spawned: { run, id, process, logs, channels: wanted = NO_CHANNELS }, exit }: OpenRun): void {
    const reopen = (stream: LogStream) =>
      reopenFifo(this.#world.fifos, id, run, stream) ?? reopenRemovedFifo(process, id, run, stream);
    const fds = { out: reopen('out'), err: reopen('err') };
    const channels = RunChannels.again({ run, id }, wanted, this.#channelsWorld());
    const held = new Run({ run, id, process, exit, channels, outputs: this.#outputs({ run, id, logs, fds }) });
    this.#runs.set(run, held);
    channels.begin();
    if (exit !== null) return;
    if (isSame(process)) {
      this.#strangers.watch(held);
      return;
    }
    this.#ended(held, unobserved());
    const why = 'no keeper was alive when it ended: what it wrote last may be missing';
    this.#world.journal.append({ kind: 'gap', run, id, bytes: null, why });
  }

  /** What it has written is in the log before its end is reported. */
  #ended(run: Run, exit: Exit): void {
    run.channels.drain();
    run.outputs.drain();
    run.outputs.settle();
    run.exit = exit;
    this.#world.journal.append({ kind: 'exited', run: run.run, id: run.id, process: run.process, exit });
    if (run.released) this.#forget(run);
  }

  #forget(run: Run): void {
    run.outputs.close();
    run.channels.close();
    removeFifos(this.#world.fifos, run.id, run.run);
    this.#runs.delete(run.run);
    this.#adoption.forget(run.run);
    this.#world.journal.append({ kind: 'released', run: run.run, id: run.id });
    if (this.idle) this.onIdle();
  }

  #outputs({ run, id, logs, fds }: Pick<SpawnRequest, 'run' | 'id' | 'logs'> & { readonly fds: Fds }): Outputs {
    const { folders, journal } = this.#world;
    const onGap = (gap: { readonly bytes: number | null; readonly why: string }): void => {
      journal.append({ kind: 'gap', run, id, ...gap });
    };
    return new Outputs({ run, logs, fds, folders, pacer: this.#pacer, onGap });
  }

  #wrapperReports(): WrapperReports {
    this.#reports ??= new WrapperReports(this.#world.fifos);
    return this.#reports;
  }
}

/** Descriptors that stay free for log files, connections and looks at /proc; and what one start may take. */
const RESERVE = 16;
const OF_A_START = 10;

/** Throws EMFILE unless so many descriptors can be opened. */
function refuseWithout(count: number): void {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync('/dev/null', 'r'));
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function identityOf(pid: number): ProcessIdentity {
  const stat = readStat(pid);
  if (stat === null) throw new Error(`/proc/${pid}/stat of our own child cannot be read`);
  return { boot: bootId(), pid, start: stat.start };
}

function exitOf({ exitCode, signalCode }: ChildProcess): Exit {
  const at = iso(Date.now());
  if (signalCode !== null) return { kind: 'signal', code: null, signal: signalCode, at };
  return { kind: 'code', code: exitCode ?? 0, signal: null, at };
}

function unobserved(): Exit {
  return { kind: 'unobserved', code: null, signal: null, at: iso(Date.now()) };
}
