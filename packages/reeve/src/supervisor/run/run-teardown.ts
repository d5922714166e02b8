import type { Exit } from '@reeve/contract';
import { pause } from '@reeve/host';
import type { RunProcesses } from '../../core/interfaces.ts';
import { type Aftermath, NO_AFTERMATH } from '../../core/lifecycle/types.ts';
import type { RunRow } from '../../core/registry.ts';
import { forgetSaid } from '../checks/notifications.ts';
import type { LiveRun, Remains, RunOwner } from '../instance-handle.ts';
import { lookBack } from './diagnose-exit.ts';
import { releaseRun } from './release-run.ts';
import { stopCommandView } from './stop-command.ts';

/** When a look that failed is tried again. Milliseconds. */
const AGAIN = 1_000;

/** How the runs of one instance end: watched, killed where it must be, looked back at, and released. */
export class RunEnding {
  readonly #instance: RunOwner;
  #watch: AbortController | null = null;
  #aftermath: Aftermath = NO_AFTERMATH;
  #lookingBack: Promise<void> | null = null;

  constructor(instance: RunOwner) {
    this.#instance = instance;
  }

  /** What the present run, which has ended, leaves to be read. */
  get aftermath(): Aftermath {
    return this.#aftermath;
  }

  /** Another run begins. */
  begin(): void {
    this.#aftermath = NO_AFTERMATH;
  }

  /** Main has ended: its last words are read meanwhile. */
  noteExit(exit: Exit): void {
    const main = this.#instance.live?.processes.marks.main;
    if (!main || !this.#instance.live) return;
    const { processes, row } = this.#instance.live;
    this.#tryTo('note how a process ended', () => processes.exited(main, exit));
    this.#lookingBack = lookBack(this.#instance, this.#instance.live, exit).then((aftermath) => {
      if (this.#instance.live?.row.run === row.run) this.#aftermath = aftermath;
    });
  }

  /**
   * Tells `remains` at most once, then `gone`. A new watch replaces the one before. The machine waits for it: a look that
   * fails is tried again.
   */
  async watch(): Promise<void> {
    this.#watch?.abort();
    const watch = new AbortController();
    this.#watch = watch;
    for (let failure = ''; !watch.signal.aborted; ) {
      try {
        return await this.#watchRun(() => watch.signal.aborted, watch.signal);
      } catch (error) {
        if (String(error) !== failure) this.#failed('see who is left of the run; trying again', error);
        failure = String(error);
      }
      await pause(AGAIN, watch.signal);
    }
  }

  async #watchRun(isReplaced: () => boolean, signal: AbortSignal): Promise<void> {
    const { live } = this.#instance;
    if (!live) return this.#instance.post({ name: 'gone' });
    const gone = live.processes.gone(signal);
    // Mostly no process is left, and a look at the cgroup tells so at once: a whole scan is for the other case.
    const isGone = await Promise.race([gone, pause(5).then(() => null)]);
    if (isReplaced()) return;
    if (isGone !== true && (await live.processes.scan()).length > 0 && !isReplaced())
      this.#instance.post({ name: 'remains' });
    if (await gone) await this.#allGone(isReplaced);
  }

  /** SIGKILL to all, for at most so long (ms). Tells `gone`, or `survived`. */
  async kill(budget: number): Promise<void> {
    this.#watch?.abort();
    const { live } = this.#instance;
    if (!live) return this.#instance.post({ name: 'gone' });
    const who = await this.#killAll(live, budget);
    if (who === null) return this.#allGone(() => false);
    this.#instance.remains = this.#tryTo('list what is left', () => remainsOf(this.#instance, live));
    this.#instance.post({ name: 'survived', who });
  }

  /** Who is left, and why; null: none. */
  async #killAll(live: LiveRun, budget: number): Promise<string | null> {
    try {
      const left = await live.processes.kill(this.#instance.host.deps.clock.now() + budget);
      if (left.length === 0) return null;
      const survivors = await live.processes.explainSurvivors(this.#instance.spec.name);
      return survivors.map((s) => `pid ${s.pid} (${s.command}): ${s.why}`).join('; ');
    } catch (error) {
      this.#failed('kill what is left of the run', error);
      return `its processes could not be killed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** The run is over: what is kept for its receipt is taken, everything else is given back. */
  async release(run: string): Promise<void> {
    this.#watch?.abort();
    const { live } = this.#instance;
    const { registry, clock } = this.#instance.host.deps;
    if (live?.row.run === run) {
      this.#instance.remains = this.#tryTo('list what has ended', () => remainsOf(this.#instance, live));
      forgetSaid(this.#instance);
      this.#instance.live = null;
      const exit = this.#tryTo('look up how it ended', () => exitOfMain(live.processes));
      const ended: RunRow = { ...live.row, ended_at: clock.now(), exit };
      this.#instance.host.outbox.row(`run ${run}`, () => registry.runs.save(ended));
      await live.processes.dispose().catch((error: unknown) => this.#failed('remove what the run leaves', error));
    }
    this.#instance.host.outbox.row(`lease ${run}`, () => registry.leases.release({ run }));
    await releaseRun(this.#instance.host.deps, run);
  }

  /** One step that fails must not keep the next ones from being done. */
  #tryTo<T>(what: string, step: () => T): T | null {
    try {
      return step();
    } catch (error) {
      this.#failed(what, error);
      return null;
    }
  }

  #failed(what: string, err: unknown): void {
    this.#instance.host.deps.log.error({ err, service: this.#instance.selector }, `could not ${what}`);
  }

  /** It is not watched any more. */
  letGo(): void {
    this.#watch?.abort();
  }

  /** No process of the run is left, and what it left to be read has been read. */
  async #allGone(isReplaced: () => boolean): Promise<void> {
    await this.#lookingBack;
    if (!isReplaced()) this.#instance.post({ name: 'gone' });
  }
}

function exitOfMain(processes: RunProcesses): Exit | null {
  const main = processes.marks.main;
  return processes.evidence().find((p) => p.pid === main?.pid)?.exit ?? null;
}

export function remainsOf(instance: RunOwner, live: LiveRun): Remains {
  return {
    run: live.row.run,
    processes: live.processes.evidence(),
    promise: live.processes.promise,
    ports: live.leases.map((l) => l.port),
    stopCommand: stopCommandView(instance),
  };
}
