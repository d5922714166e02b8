import type { ProcessIdentity } from '@reeve/contract';
import { bootId, isLiveState, readProc, readStat, type Stat, sendSignal } from '@reeve/host';
import type { FoundProcess, RunMarks } from '../core/ports.ts';
import { isPopulated, membersOf } from './cgroups.ts';
import { findMembers, type TrackerSwitches } from './membership.ts';
import type { ProcScan, Snapshot } from './proc-scan.ts';
import { RunRecord } from './run-record.ts';

export interface RunContext {
  readonly scan: ProcScan;
  readonly trackers: TrackerSwitches;
  /** The folder of the run's cgroup; null: it has none. */
  readonly cgroup: string | null;
  /** Why there is no cgroup. */
  readonly why: string;
  /** The run leaves nothing in the system any more. */
  readonly onDisposed: () => void;
}

/** A process this young (seconds) may still be on its way into the cgroup. */
const SETTLED = 1;
/** They end a process or hold it for good: no SIGCONT after them. */
const NO_CONTINUE = new Set(['SIGCONT', 'SIGKILL', 'SIGSTOP']);

/** Who belongs to a run, looked at again and again; and the one way to signal a member. */
export class RunMembers {
  readonly context: RunContext;
  readonly record = new RunRecord();
  /** null: not known, or of an earlier boot. */
  readonly main: ProcessIdentity | null;
  readonly #marks: RunMarks;
  #escaped: FoundProcess | null = null;

  constructor(marks: RunMarks, context: RunContext) {
    this.#marks = marks;
    this.context = context;
    this.main = marks.main?.boot === bootId() ? marks.main : null;
    if (this.main === null) return;
    this.record.name(this.main, 'main');
    const stat = readStat(this.main.pid);
    if (stat?.start === this.main.start) this.record.see(stat, ['main']);
  }

  /** The first that was found alive outside the cgroup. */
  get escaped(): FoundProcess | null {
    return this.#escaped;
  }

  /** All live members now. `threads`: also those whose main thread has ended, at a price. */
  async look(how: 'processes' | 'threads'): Promise<readonly FoundProcess[]> {
    return this.lookAt(await this.context.scan.fresh(), how);
  }

  lookAt(snapshot: Snapshot, how: 'processes' | 'threads'): readonly FoundProcess[] {
    const marks = { run: this.#marks.run, main: this.main };
    const inside = this.#inside(snapshot, how);
    const members = findMembers(snapshot, marks, inside, this.record.memory(), this.context.trackers);
    this.record.forgetEnded(snapshot, new Set(members.keys()));
    return [...members.values()].flatMap(({ stat, foundBy }) => {
      if (stat.pid === process.pid) return []; // a daemon that was started by a service is not one of its processes
      return this.record.see(stat, foundBy) ?? [];
    });
  }

  isCgroupEmpty(): boolean {
    return this.context.cgroup === null || !isPopulated(this.context.cgroup);
  }

  /** Signals one member and keeps how it went; SIGCONT follows, so that a stopped process can react. */
  send(process: ProcessIdentity, signal: string): void {
    const seen = this.#seen(process);
    const result = sendSignal(process, this.#marks.witness, signal, { seen });
    if (result.ok) this.record.signalled(process, signal);
    else this.record.refused(process, result.reason);
    if (result.ok && !NO_CONTINUE.has(signal)) sendSignal(process, this.#marks.witness, 'SIGCONT', { seen });
  }

  /** Stops one member while the others are looked for: no part of what the receipt tells. */
  hold(process: ProcessIdentity): void {
    sendSignal(process, this.#marks.witness, 'SIGSTOP', { seen: this.#seen(process) });
  }

  /** Whoever is alive though the cgroup is empty has left it, unless it is so young that it is still entering. */
  noteEscape(left: readonly FoundProcess[]): void {
    if (this.context.cgroup === null || !this.isCgroupEmpty()) return;
    this.#escaped ??= left.find(({ process }) => isSettled(process) && isStaying(process)) ?? null;
  }

  /** What the kernel counts into the cgroup; a process that came after the snapshot is looked at by itself. */
  #inside(snapshot: Snapshot, how: 'processes' | 'threads'): readonly Stat[] {
    const { cgroup } = this.context;
    if (cgroup === null) return [];
    const pids = membersOf(cgroup, how);
    const all = pids.size === 0 && isPopulated(cgroup) ? membersOf(cgroup, 'threads') : pids;
    return [...all].flatMap((pid) => snapshot.stats.get(pid) ?? readStat(pid) ?? []);
  }

  /** Who was found by a tracker is a known member; a process whose end was told is nobody any more. */
  #seen(process: ProcessIdentity): ProcessIdentity | null {
    return this.record.hasEnded(process) ? null : process;
  }
}

/** Looked at again: a process that is just ending has left its cgroup too, and hides nothing. */
function isStaying({ pid, start }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.start === start && isLiveState(stat) && !stat.exiting;
}

/** Start ticks are 1/100 s since boot on every architecture that Node runs on. */
function isSettled({ start }: ProcessIdentity): boolean {
  const uptime = Number.parseFloat(readProc('/proc/uptime', 'once') ?? '0');
  return uptime - start / 100 > SETTLED;
}
