import type { ProcessIdentity } from '@reeve/contract';
import {
  bootId,
  bootTicks,
  commandOf,
  isLiveState,
  markOf,
  readStat,
  type SignalOptions,
  type SignalRefusal,
  type Stat,
  sendSignal,
  TICKS_PER_SECOND,
  verify,
} from '@reeve/host';
import type { FoundProcess, RunMarks } from '../core/interfaces.ts';
import { AdoptionEvidence } from './adoption.ts';
import { isPopulated, membersOf } from './cgroups.ts';
import { leftAlone } from './detached.ts';
import { HeldPorts, type SocketTable } from './held-ports.ts';
import { findMembers, isNotAnothers, type Member, type TrackerSwitches } from './membership.ts';
import { glanceAt, tellNewborn } from './new-children.ts';
import type { ProcScan, Snapshot } from './proc-scan.ts';
import { hasHandles, RunRecord } from './run-record.ts';

export interface RunContext {
  readonly scan: ProcScan;
  readonly sockets: SocketTable;
  readonly trackers: TrackerSwitches;
  /** The folder of the run's cgroup; null: it has none. */
  readonly cgroup: string | null;
  /** Why there is no cgroup. */
  readonly why: string;
  /** Some run of this home knows the process. */
  readonly isClaimed: (process: ProcessIdentity) => boolean;
  /** The run leaves nothing in the system any more. */
  readonly onDisposed: () => void;
}

/** A process this young (seconds) may still be on its way into the cgroup. */
const SETTLED = 1;
/** An unseen process of the run has ended within this time (ms): there may be more of its kind. */
const STIRRED = 30;
/** They end a process or hold it for good: no SIGCONT after them. */
const NO_CONTINUE = new Set(['SIGCONT', 'SIGKILL', 'SIGSTOP']);

/** Who belongs to a run, looked at again and again; and the one way to signal a member. */
export class RunMembers {
  readonly context: RunContext;
  readonly record = new RunRecord();
  readonly adoption: AdoptionEvidence;
  /** null: not known, or of an earlier boot. */
  readonly main: ProcessIdentity | null;
  readonly #marks: RunMarks;
  readonly #ports: HeldPorts;
  /** Who adopts the orphans of this run: the keepers, and processes that were seen to. */
  readonly #reapers = new Set<number>();
  #last: Snapshot | null = null;
  #escaped: FoundProcess | null = null;
  #alone: readonly string[] = [];
  #stirred = Number.NEGATIVE_INFINITY;

  constructor(marks: RunMarks, context: RunContext) {
    this.#marks = marks;
    this.context = context;
    this.main = marks.main?.boot === bootId() ? marks.main : null;
    this.#ports = new HeldPorts(context.trackers.port ? marks.ports : [], context.sockets);
    this.adoption = new AdoptionEvidence(marks.mark, this.main, context);
    if (this.main === null) return;
    this.record.name(this.main, 'main');
    const stat = readStat(this.main.pid);
    if (stat?.start !== this.main.start) return;
    if (marks.mark !== null && markOf(stat.pid) === marks.mark) this.adoption.isMarkSeen = true;
    const isProven = verify(this.main, marks.witness, { mark: marks.mark }) === null;
    this.record.see(stat, ['main'], isProven);
    if (isProven) this.record.hold(this.main);
  }

  /** The first that was found alive outside the cgroup. */
  get escaped(): FoundProcess | null {
    return this.#escaped;
  }

  /** Who carries signs of the run, and has said that he is detached: `pid 12 (vim)`. */
  get alone(): readonly string[] {
    return this.#alone;
  }

  /** All live members now. `threads`: also those whose main thread has ended, at a price. */
  async look(how: 'processes' | 'threads'): Promise<readonly FoundProcess[]> {
    return this.lookAt(await this.context.scan.fresh(), how);
  }

  lookAt(snapshot: Snapshot, how: 'processes' | 'threads'): readonly FoundProcess[] {
    const { trackers } = this.context;
    const around = { cgroup: this.#inside(snapshot, how), port: this.#heirs(snapshot) };
    const signs = { ...this.#signs, main: this.main, ...around };
    const members = findMembers(snapshot, signs, this.record.memory(), trackers);
    members.delete(process.pid); // a daemon that was started by a service is not one of its processes
    this.record.forgetEnded(snapshot, new Set(members.keys()));
    const found = [...members.values()].flatMap((member) => this.#see(member) ?? []);
    this.#ports.note(
      [...members.values()].map(({ stat }) => stat),
      snapshot.keepers,
    );
    this.#noteReapers(snapshot, members);
    this.adoption.look(snapshot, members);
    const alone = leftAlone(snapshot, this.#signs, members).filter(isStaying);
    this.#alone = alone.map((stat) => `pid ${stat.pid} (${commandOf(stat)})`);
    this.#last = snapshot;
    return found;
  }

  /** The members that are known without a look at all processes: main, and what the cgroup holds. */
  near(): readonly Stat[] {
    const pids = new Set(this.context.cgroup === null ? [] : membersOf(this.context.cgroup, 'processes'));
    pids.delete(process.pid);
    const main = this.main === null ? null : readStat(this.main.pid);
    const isMain = main !== null && main.start === this.main?.start;
    if (isMain) pids.delete(main.pid);
    const stats = [...pids].flatMap((pid) => readStat(pid) ?? []);
    return isMain ? [main, ...stats] : stats;
  }

  /** All live processes: the members, and the others. */
  divide(snapshot: Snapshot): { readonly members: readonly Stat[]; readonly others: readonly Stat[] } {
    const ours = new Set(this.lookAt(snapshot, 'processes').map((found) => found.process.pid));
    const live = [...snapshot.stats.values()];
    return { members: live.filter(({ pid }) => ours.has(pid)), others: live.filter(({ pid }) => !ours.has(pid)) };
  }

  /** Those of the run that have come since the last look, as far as its reapers have them; and traces of such. */
  glance(): { readonly found: readonly FoundProcess[]; readonly isTrace: boolean } {
    if (this.#last === null) return { found: [], isTrace: false };
    const memory = this.record.memory();
    const { live, isTrace } = glanceAt(this.#reapers, this.#last, (pid) => {
      const newborn = tellNewborn(pid, this.#signs, memory, this.context.trackers);
      if (newborn === null || isLiveState(newborn.stat)) return newborn;
      return this.record.knows({ boot: bootId(), pid, start: newborn.stat.start }) ? null : newborn;
    });
    return { found: live.flatMap(({ stat, foundBy }) => this.record.see(stat, foundBy, true) ?? []), isTrace };
  }

  /** An unseen process of the run has ended. */
  stir(): void {
    this.#stirred = performance.now();
  }

  get isStirred(): boolean {
    return performance.now() - this.#stirred < STIRRED;
  }

  isCgroupEmpty(): boolean {
    return this.context.cgroup === null || !isPopulated(this.context.cgroup);
  }

  /** Signals one member and keeps how it went; SIGCONT follows, so that a stopped process can react. */
  send(process: ProcessIdentity, signal: string): void {
    if (this.sendOnly(process, signal) === null && !NO_CONTINUE.has(signal))
      sendSignal(process, this.#marks.witness, 'SIGCONT', this.#proofs(process));
  }

  /** The signal alone. Returns why it was not sent; null: it was. */
  sendOnly(process: ProcessIdentity, signal: string): SignalRefusal | null {
    this.record.aboutToSignal();
    const result = sendSignal(process, this.#marks.witness, signal, this.#proofs(process));
    if (result.ok) this.record.signalled(process, signal);
    else this.record.refused(process, result.reason);
    return result.ok ? null : result.reason;
  }

  /** Stops one member while the others are looked for: no part of what the receipt tells. */
  hold(process: ProcessIdentity): void {
    sendSignal(process, this.#marks.witness, 'SIGSTOP', this.#proofs(process));
  }

  /** A process that is alive though the cgroup is empty has left it, unless it is so young that it is still entering. */
  noteEscape(left: readonly FoundProcess[]): void {
    if (this.context.cgroup === null || !this.isCgroupEmpty()) return;
    this.#escaped ??= left.find(({ process }) => isSettled(process) && isStaying(process)) ?? null;
  }

  get #signs(): Pick<RunMarks, 'run' | 'mark'> {
    return { run: this.#marks.run, mark: this.#marks.mark };
  }

  /** What the kernel counts into the cgroup; a process that came after the snapshot is looked at by itself. */
  #inside(snapshot: Snapshot, how: 'processes' | 'threads'): readonly Stat[] {
    const { cgroup } = this.context;
    if (cgroup === null) return [];
    const pids = membersOf(cgroup, how);
    const all = pids.size === 0 && isPopulated(cgroup) ? membersOf(cgroup, 'threads') : pids;
    return [...all].flatMap((pid) => snapshot.stats.get(pid) ?? readStat(pid) ?? []);
  }

  #heirs(snapshot: Snapshot): readonly Stat[] {
    return this.#ports.heirs(snapshot, (pid) => isNotAnothers(snapshot, pid, this.#signs));
  }

  /** Who is shown to belong to the run by something that it may lose is held on to, so that it can be signalled then. */
  #see({ stat, foundBy, isShown }: Member): FoundProcess | null {
    const found = this.record.see(stat, foundBy, isShown);
    const isKept = foundBy.has('cgroup') || foundBy.has('mark');
    if (found !== null && isShown && !isKept) this.record.hold(found.process);
    return found;
  }

  #noteReapers(snapshot: Snapshot, members: ReadonlyMap<number, Member>): void {
    for (const { pid } of snapshot.keepers) this.#reapers.add(pid);
    for (const { stat } of members.values()) {
      if (!members.has(stat.ppid) && stat.ppid > 0) this.#reapers.add(stat.ppid);
    }
  }

  /** Where there are no handles, it must do that a tracker found it with this identity. */
  #proofs(process: ProcessIdentity): SignalOptions {
    const seen = hasHandles() || this.record.isOver(process) ? null : process;
    return { mark: this.#marks.mark, held: this.record.heldOf(process), seen };
  }
}

/** Looked at again: a process that is just ending has left its cgroup too, and hides nothing. */
function isStaying({ pid, start }: Pick<ProcessIdentity, 'pid' | 'start'>): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.start === start && isLiveState(stat) && !stat.exiting;
}

function isSettled({ start }: ProcessIdentity): boolean {
  return bootTicks() - start > SETTLED * TICKS_PER_SECOND;
}
