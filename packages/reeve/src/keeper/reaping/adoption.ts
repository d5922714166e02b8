import type { ChildProcess } from 'node:child_process';
import type { SpawnRequest } from '@reeve/contract';
import { type Binding, dropMark, loadSyscalls, markFrom, type Syscalls, withLimit } from '@reeve/host';
import { type ReapedOrphan, Reaper } from './reaper.ts';

/**
 * What makes a keeper the one place where detached processes land: it is their child subreaper, and everything it
 * spawns is born with the mark of its run. Both, or neither: without the binding orphans go to init, unmarked. Only a
 * test or a diagnosis switches the adopting off alone (`adopts: false`).
 */
export class Adoption {
  /** Why neither is done; null: both are. */
  readonly why: string | null;
  readonly #calls: Syscalls | null;
  readonly #own = new Set<number>();
  /** mark → whose it is. */
  readonly #runs = new Map<number, { readonly run: string; readonly id: string }>();

  constructor(
    onReaped: (orphan: ReapedOrphan, of: { readonly run: string; readonly id: string } | null) => void,
    { adopts, binding = loadSyscalls() }: { readonly adopts: boolean; readonly binding?: Binding },
  ) {
    this.why = binding.available ? attempt(binding.calls, adopts) : binding.why;
    this.#calls = binding.available && this.why === null ? binding.calls : null;
    if (this.#calls === null) return;
    const isOwn = (pid: number): boolean => this.#own.has(pid);
    const tell = (orphan: ReapedOrphan): void => {
      onReaped(orphan, orphan.mark === null ? null : (this.#runs.get(orphan.mark) ?? null));
    };
    new Reaper({ calls: this.#calls, isOwn, onReaped: tell });
  }

  /** Runs `spawn` while whatever is forked gets the mark. It must fork before it returns, as Node's spawn does. */
  marked<T>(mark: number | null, spawn: () => T): T {
    if (mark === null || this.#calls === null) return spawn();
    return withLimit(this.#calls, { name: 'rttime', soft: BigInt(mark) }, spawn);
  }

  /** Node waits for this child. To be called in the same turn of the event loop in which it was spawned. */
  owns(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) return;
    this.#own.add(pid);
    child.once('exit', () => this.#own.delete(pid));
  }

  /** Whose mark it is, until it is forgotten. */
  remember({ mark, run, id }: Pick<SpawnRequest, 'mark' | 'run' | 'id'>): void {
    if (mark !== null) this.#runs.set(mark, { run, id });
  }

  forget(run: string): void {
    for (const [mark, of] of this.#runs) if (of.run === run) this.#runs.delete(mark);
  }
}

/** Tries both once. Returns why one of them cannot be done. */
function attempt(calls: Syscalls, adopts: boolean): string | null {
  try {
    dropMark();
    withLimit(calls, { name: 'rttime', soft: BigInt(markFrom(new Uint8Array(7))) }, () => undefined);
    if (adopts) calls.setChildSubreaper();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
