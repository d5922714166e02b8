import { after, doingIn, readStat, type Timer } from '@reeve/host';

/** A program that leaves a question unanswered for longer has stalled. Milliseconds. */
const LIMIT = 200;
/** So long after it began to do something it is asked again and again, at this distance. Milliseconds. */
const CLOSELY = 1_000;
const PACE = 100;
/** Processor time between two beats that makes it worth to watch closely. Clock ticks of 10 ms. */
const BUSY_TICKS = 20;
/** It is asked at every so many beats even if the kernel says that it sleeps: it may sleep in the wrong place. */
const SELDOM = 20;

/** A time in which a program answered nothing, as it is seen from outside. */
export interface Silence {
  readonly pid: number;
  /** When the question was asked that it did not answer. Milliseconds since 1970. */
  readonly at: number;
  /** For how long, so far. */
  readonly ms: number;
  /** What the kernel says of it: completes "the process is (was) …". */
  readonly doing: string;
  /** What it had begun shortly before; null: not known. */
  readonly during: string | null;
}

export interface WatchedPeer {
  /** null: it is not there. */
  readonly pid: () => number | null;
  /** Asks whether it is there; `heard` is to be called at the answer. */
  readonly ask: () => void;
  readonly onSilent: (silence: Silence) => void;
  /** It answers again, or has gone without an answer. */
  readonly onOver: (silence: Silence, how: 'answered' | 'gone') => void;
}

/**
 * Watches the event loop of another program from outside. An idle program is only looked at, in /proc and at a beat, so
 * that neither wakes up for it; one that has begun something is asked until it has been calm for a second.
 */
export class PeerWatch {
  readonly #peer: WatchedPeer;
  #asked: { readonly at: number; readonly wall: number; readonly pid: number } | null = null;
  #silence: Silence | null = null;
  #timer: Timer | null = null;
  #armed = 0;
  #closelyUntil = 0;
  #during: { readonly what: string; readonly at: number } | null = null;
  #ticks: number | null = null;
  #beats = 0;

  constructor(peer: WatchedPeer) {
    this.#peer = peer;
  }

  get isSilent(): boolean {
    return this.#silence !== null;
  }

  /** It has begun to do something. */
  stir(what: string | null = null): void {
    const now = performance.now();
    if (what !== null && this.#asked === null) this.#during = { what, at: now };
    this.#closelyUntil = now + CLOSELY;
    this.ask();
  }

  beat(): void {
    const pid = this.#peer.pid();
    if (pid === null) return;
    this.#beats += 1;
    const stat = readStat(pid);
    const ticks = stat?.cpu ?? null;
    const isBusy = ticks !== null && this.#ticks !== null && ticks - this.#ticks >= BUSY_TICKS;
    this.#ticks = ticks;
    if (isBusy) this.stir();
    else if (stat?.state !== 'S' || this.#beats % SELDOM === 0) this.ask();
  }

  /** Does nothing while a question is open. */
  ask(): void {
    const pid = this.#peer.pid();
    if (this.#asked !== null || pid === null) return;
    this.#timer?.cancel();
    this.#asked = { at: performance.now(), wall: Date.now(), pid };
    this.#arm();
    this.#peer.ask();
  }

  /** It has answered something. */
  heard(): void {
    if (this.#asked === null) return;
    this.#end('answered');
    if (performance.now() < this.#closelyUntil) this.#timer = after(PACE, () => this.ask()).unref();
  }

  /** It is not there any more. */
  gone(): void {
    this.#end('gone');
    this.#ticks = null;
    this.#closelyUntil = 0;
  }

  /** The open question counts as unanswered from now on. */
  notice(): void {
    if (this.#asked === null || this.#silence !== null) return;
    const { at, wall, pid } = this.#asked;
    const during = this.#during !== null && this.#during.at > at - CLOSELY ? this.#during.what : null;
    this.#silence = { pid, at: wall, ms: performance.now() - at, doing: doingOf(pid), during };
    this.#peer.onSilent(this.#silence);
  }

  #arm(): void {
    this.#armed = performance.now();
    this.#timer = after(LIMIT, () => this.#late()).unref();
  }

  /** If we are late ourselves, its answer may lie there unread, or its time have been ours: it gets that time again. */
  #late(): void {
    if (performance.now() - this.#armed > LIMIT + PACE) {
      this.#arm();
      return;
    }
    const asked = this.#asked;
    setImmediate(() => {
      if (this.#asked === asked) this.notice();
    });
  }

  #end(how: 'answered' | 'gone'): void {
    this.#timer?.cancel();
    this.#timer = null;
    const [asked, silence] = [this.#asked, this.#silence];
    this.#asked = null;
    this.#silence = null;
    if (asked !== null && silence !== null) this.#peer.onOver({ ...silence, ms: performance.now() - asked.at }, how);
  }
}

function doingOf(pid: number): string {
  return doingIn(readStat(pid)?.state ?? '') ?? 'blocked';
}
