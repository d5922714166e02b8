import { constants } from 'node:os';
import type { Exit, ProcessIdentity } from '@reeve/contract';
import { bootId, childrenOf, markOf, readStat, type Syscalls, scanStats } from '@reeve/host';
import { iso } from '../../base/instant.ts';

export interface ReapedOrphan {
  readonly process: ProcessIdentity;
  readonly mark: number | null;
  readonly exit: Exit;
}
export interface ReaperWorld {
  readonly calls: Pick<Syscalls, 'waitpidNoHang'>;
  /** A child that Node has spawned, and waits for itself. */
  readonly isOwn: (pid: number) => boolean;
  readonly onReaped: (orphan: ReapedOrphan) => void;
}

/** So many are reported at once, and so many a second after that: a program may fork thousands. All are reaped. */
const BURST = 200;
const A_SECOND = 100;

/**
 * Reaps the orphans that this process has adopted as child subreaper, and no others: what libuv has spawned is waited
 * for by libuv. Without it zombies would pile up.
 */
export class Reaper {
  readonly #world: ReaperWorld;
  #allowance = BURST;
  #at = Date.now();

  constructor(world: ReaperWorld) {
    this.#world = world;
    process.on('SIGCHLD', () => this.sweep());
    this.sweep();
  }

  /** Again until none is left to reap: the kernel's list may leave some out while others end. */
  sweep(): void {
    while (this.#once() > 0);
  }

  #once(): number {
    let reaped = 0;
    for (const pid of children()) {
      if (!this.#world.isOwn(pid) && this.#reap(pid)) reaped += 1;
    }
    return reaped;
  }

  #reap(pid: number): boolean {
    const stat = readStat(pid);
    if (stat?.state !== 'Z' || stat.ppid !== process.pid) return false;
    const mark = markOf(pid); // a zombie has its limits still, but no environment
    const end = this.#world.calls.waitpidNoHang(pid);
    if (end === null || end === 'gone') return false; // null: its other threads live
    if (this.#mayTell()) {
      this.#world.onReaped({ process: { boot: bootId(), pid, start: stat.start }, mark, exit: exitOf(end) });
    }
    return true;
  }

  #mayTell(): boolean {
    const now = Date.now();
    this.#allowance = Math.min(BURST, this.#allowance + (Math.max(0, now - this.#at) * A_SECOND) / 1000);
    this.#at = now;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }
}

/** Orphans are given to the main thread, which is also the one that Node forks from. */
function children(): readonly number[] {
  const listed = childrenOf(process.pid);
  return listed ?? scanStats().flatMap(({ pid, ppid }) => (ppid === process.pid ? [pid] : []));
}

function exitOf({ code, signal }: { readonly code: number | null; readonly signal: number | null }): Exit {
  const at = iso(Date.now());
  if (signal !== null) return { kind: 'signal', code: null, signal: signalName(signal), at };
  return { kind: 'code', code: code ?? 0, signal: null, at };
}

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/** As kill(1) writes it; Node has no names for the real-time signals. */
function signalName(number: number): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  if (known !== undefined) return known;
  if (number === FIRST_REALTIME) return 'SIGRTMIN';
  if (number === LAST_REALTIME) return 'SIGRTMAX';
  const isRealtime = number > FIRST_REALTIME && number < LAST_REALTIME;
  return isRealtime ? `SIGRTMIN+${number - FIRST_REALTIME}` : `SIG${number}`;
}
