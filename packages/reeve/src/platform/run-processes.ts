import { setTimeout as pause } from 'node:timers/promises';
import type { Exit, ProcessIdentity, ReceiptProcess, Survivor } from '@reeve/contract';
import type { FoundProcess, RunMarks, RunProcesses } from '../core/ports.ts';
import { isPopulated, removeCgroup, thaw } from './cgroups.ts';
import { waitUntilGone } from './gone.ts';
import { killRun } from './kill-run.ts';
import { hasOomKill } from './oom.ts';
import { type RunContext, RunMembers } from './run-members.ts';
import { explainSurvivor } from './survivors.ts';

/** A snapshot that another run asked for (this many ms ago) serves as well while waiting. */
const FRESH_ENOUGH = 15;
const REMOVE_ATTEMPTS = 20;

/** The processes of one run on Linux. */
export class LinuxRun implements RunProcesses {
  readonly marks: RunMarks;
  readonly #context: RunContext;
  readonly #members: RunMembers;
  readonly #hints = new Set<() => void>();
  readonly #opened = performance.now();

  constructor(marks: RunMarks, context: RunContext) {
    this.marks = marks;
    this.#context = context;
    this.#members = new RunMembers(marks, context);
  }

  get cgroup(): string | null {
    return this.#context.cgroup;
  }

  get promise(): RunProcesses['promise'] {
    const { cgroup, why } = this.#context;
    const { escaped } = this.#members;
    if (cgroup === null) {
      const reason = `${why}: a process that detached and cleared its environment cannot be seen`;
      return { promise: 'best_effort', reason };
    }
    if (escaped) {
      const who = `pid ${escaped.process.pid} (${escaped.command})`;
      return { promise: 'best_effort', reason: `${who} had left the cgroup: what else left it cannot be seen` };
    }
    return { promise: 'verified', reason: `cgroup v2, populated ${isPopulated(cgroup) ? 1 : 0}` };
  }

  scan(): Promise<readonly FoundProcess[]> {
    return this.#members.look('processes');
  }

  async signal(whom: 'main' | 'rest' | 'all', signal: string): Promise<void> {
    const { main } = this.#members;
    if (this.#context.cgroup !== null) thaw(this.#context.cgroup);
    if (whom === 'main') {
      if (main) this.#members.send(main, signal);
      return;
    }
    const isMain = ({ process }: FoundProcess) => process.pid === main?.pid && process.start === main.start;
    for (const found of await this.scan()) {
      if (whom === 'all' || !isMain(found)) this.#members.send(found.process, signal);
    }
  }

  /** `until`: wall clock (ms), measured from now on by the monotonic one. */
  kill(until: number): Promise<readonly FoundProcess[]> {
    return killRun(this.#members, performance.now() + Math.max(0, until - Date.now()));
  }

  gone(signal: AbortSignal): Promise<boolean> {
    const { cgroup } = this.#context;
    const target = {
      file: cgroup === null ? null : `${cgroup}/cgroup.events`,
      isEmpty: (look: 'first' | 'again') => this.#isEmpty(look),
      onHint: (callback: () => void) => {
        this.#hints.add(callback);
        return () => this.#hints.delete(callback);
      },
    };
    return waitUntilGone(target, signal);
  }

  exited(process: ProcessIdentity, exit: Exit): void {
    this.#members.record.exited(process, exit);
    for (const hint of this.#hints) hint();
  }

  reaped(process: ProcessIdentity, exit: Exit): void {
    if (!this.#members.record.knows(process)) return;
    this.exited(process, exit);
  }

  isOutOfMemory(): boolean {
    return this.#context.cgroup !== null && hasOomKill(this.#context.cgroup);
  }

  evidence(): readonly ReceiptProcess[] {
    return this.#members.record.evidence();
  }

  async explainSurvivors(service: string): Promise<readonly Survivor[]> {
    return (await this.#members.look('threads')).map(({ process, command }) => ({
      service,
      pid: process.pid,
      command,
      why: explainSurvivor(process.pid, this.#members.record.refusalOf(process)),
    }));
  }

  /** Throws EBUSY when somebody lives in its cgroup. */
  async dispose(): Promise<void> {
    const { cgroup } = this.#context;
    for (let attempt = 1; cgroup !== null; attempt++) {
      try {
        removeCgroup(cgroup);
        break;
      } catch (error) {
        // The kernel may need a moment after the last process; a process in it needs more than that.
        const isBusy = (error as NodeJS.ErrnoException).code === 'EBUSY' && this.#members.isCgroupEmpty();
        if (!isBusy || attempt === REMOVE_ATTEMPTS) throw error;
        await pause(5);
      }
    }
    this.#context.onDisposed();
  }

  async #isEmpty(look: 'first' | 'again'): Promise<'empty' | 'cgroup' | 'outside'> {
    const members = this.#members;
    if (!members.isCgroupEmpty()) return 'cgroup';
    const { scan, cgroup } = this.#context;
    const snapshot = look === 'first' ? await scan.fresh() : await scan.recent(this.#opened, FRESH_ENOUGH);
    const left = members.lookAt(snapshot, 'processes');
    if (left.length > 0) {
      members.noteEscape(left);
      return 'outside';
    }
    if (cgroup !== null) return members.isCgroupEmpty() ? 'empty' : 'cgroup';
    // A scan is not one moment: a process that forks and ends while it runs may be missed, and its child too. The
    // cgroup has no such gap; without one a second look has to agree.
    return (await members.look('processes')).length === 0 ? 'empty' : 'outside';
  }
}
