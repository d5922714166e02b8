import { DETACHED_MARK, type Exit, type ProcessIdentity, type ReceiptProcess, type Survivor } from '@reeve/contract';
import { after, explainSurvivor, pause } from '@reeve/host';
import type { FoundProcess, RunListener, RunMarks, RunProcesses } from '../core/interfaces.ts';
import { isPopulated, removeCgroup, thaw } from './cgroups.ts';
import { isCalm, killRun } from './kill-run.ts';
import { hasOomKill } from './oom.ts';
import { RunListening } from './run-listening.ts';
import { type RunContext, RunMembers } from './run-members.ts';
import { waitUntilGone } from './wait-until-gone.ts';

/** A snapshot that another run asked for (this many ms ago) serves as well while waiting. */
const FRESH_ENOUGH = 15;
const REMOVE_ATTEMPTS = 20;
/** How long a receipt waits for what the keeper has to tell (ms). */
const TELLING_TIME = 100;

/** The processes of one run on Linux. */
export class LinuxRun implements RunProcesses {
  readonly marks: RunMarks;
  readonly #context: RunContext;
  readonly #members: RunMembers;
  readonly #listening: RunListening;
  readonly #hints = new Set<() => void>();
  readonly #opened = performance.now();

  constructor(marks: RunMarks, context: RunContext) {
    this.marks = marks;
    this.#context = context;
    this.#members = new RunMembers(marks, context);
    this.#listening = new RunListening(context.sockets, {
      near: () => this.#members.near(),
      all: async () => this.#members.divide(await context.scan.recent(this.#opened, FRESH_ENOUGH)),
    });
  }

  get cgroup(): string | null {
    return this.#context.cgroup;
  }

  get promise(): RunProcesses['promise'] {
    const { promise, reason } = this.#promise;
    const { alone } = this.#members;
    return alone.length === 0
      ? { promise, reason }
      : { promise, reason: `${reason}; left alone, with ${DETACHED_MARK}=1 in the environment: ${alone.join(', ')}` };
  }

  get #promise(): RunProcesses['promise'] {
    const { cgroup, why } = this.#context;
    const { escaped, adoption } = this.#members;
    if (cgroup !== null && escaped === null) {
      return { promise: 'verified', reason: `cgroup v2, populated ${isPopulated(cgroup) ? 1 : 0}` };
    }
    const { gap } = adoption;
    const who = escaped && `pid ${escaped.process.pid} (${escaped.command})`;
    if (gap === null) {
      const without = who === null ? why : `${who} had left the cgroup`;
      return { promise: 'verified', reason: `limit mark and child subreaper, nothing unexplained (${without})` };
    }
    if (who !== null) {
      const reason = `${who} had left the cgroup: what else left it cannot be seen (${gap})`;
      return { promise: 'best_effort', reason };
    }
    const reason = `${why}, and ${gap}: a process that detached and cleared its environment cannot be seen`;
    return { promise: 'best_effort', reason };
  }

  scan(): Promise<readonly FoundProcess[]> {
    return this.#members.look('processes');
  }

  async signal(whom: 'main' | 'rest' | 'all', signal: string): Promise<void> {
    const { main } = this.#members;
    if (this.#context.cgroup !== null) thaw(this.#context.cgroup);
    if (whom === 'main') {
      await this.#lookBefore();
      if (main) this.#members.send(main, signal);
      return;
    }
    const isMain = ({ process }: FoundProcess) => process.pid === main?.pid && process.start === main.start;
    for (const found of await this.scan()) {
      if (whom === 'all' || !isMain(found)) this.#members.send(found.process, signal);
    }
  }

  signalMain(signal: string): string | null {
    const { main } = this.#members;
    return main === null ? 'gone' : this.#members.sendOnly(main, signal);
  }

  /** `until`: wall clock (ms), measured from now on by the monotonic one. */
  async kill(until: number): Promise<readonly FoundProcess[]> {
    const left = await killRun(this.#members, performance.now() + Math.max(0, until - Date.now()));
    if (left.length === 0) await this.#untilTold();
    return left;
  }

  async gone(signal: AbortSignal): Promise<boolean> {
    const { cgroup } = this.#context;
    const target = {
      file: cgroup === null ? null : `${cgroup}/cgroup.events`,
      isEmpty: (look: 'first' | 'again') => this.#isEmpty(look),
      onHint: (callback: () => void) => {
        this.#hints.add(callback);
        return () => this.#hints.delete(callback);
      },
    };
    const isGone = await waitUntilGone(target, signal);
    if (isGone) await this.#untilTold();
    return isGone;
  }

  exited(process: ProcessIdentity, exit: Exit): void {
    this.#members.record.exited(process, exit);
    for (const hint of this.#hints) hint();
  }

  reaped(process: ProcessIdentity, exit: Exit, by: 'mark' | 'nothing'): void {
    if (this.#members.record.knows(process)) this.exited(process, exit);
    else if (by === 'mark') this.#members.stir();
  }

  listening(ports: readonly number[]): Promise<readonly RunListener[]> {
    return this.#listening.look(ports);
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

  /** Throws EBUSY when a process lives in its cgroup. */
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
    this.#members.record.close();
    this.#context.onDisposed();
  }

  knows(process: ProcessIdentity): boolean {
    return this.#members.record.knows(process);
  }

  /**
   * Before main gets its stop signal: what only the tree connects with it, and which sockets it listens with, shows only as
   * long as it lives. Where the cgroup tells all of that, no look is needed.
   */
  async #lookBefore(): Promise<void> {
    const { cgroup, scan } = this.#context;
    if (cgroup !== null && this.marks.ports.length === 0) return;
    this.#members.lookAt(await scan.recent(this.#opened, FRESH_ENOUGH), 'processes');
  }

  /** The keeper reaps what it adopted and reports how it ended; not of all, when many end at once. */
  async #untilTold(): Promise<void> {
    const end = performance.now() + TELLING_TIME;
    while (this.#members.record.untold.length > 0 && performance.now() < end)
      await this.#hinted(end - performance.now());
  }

  #hinted(limit: number): Promise<void> {
    return new Promise((resolve) => {
      const hint = () => {
        timer.cancel();
        this.#hints.delete(hint);
        resolve();
      };
      const timer = after(limit, hint);
      this.#hints.add(hint);
    });
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
    // cgroup has no such gap; without one no process may have ended unseen, and a second look has to agree.
    if (members.isStirred || !isCalm(members)) return 'outside';
    return (await members.look('processes')).length === 0 && isCalm(members) ? 'empty' : 'outside';
  }
}
