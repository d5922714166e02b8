import type { ProcessIdentity } from '@reeve/contract';

/**
 * `done`. `gone`: it had ended by itself, or its pid is another's now. `not_found`. `not_permitted`: another user's, or
 * not ours and `force` was not given. `protected`: this program, what started it, or pid 0 and 1. `survived`: it is
 * still there after SIGKILL.
 */
export type ActionReason = 'done' | 'gone' | 'not_found' | 'not_permitted' | 'protected' | 'survived';

/** What became of an action. Nothing here throws for an ordinary reason: `if (!(await …).ok)`. */
export interface ActionResult {
  readonly ok: boolean;
  readonly reason: ActionReason;
  /** One sentence for people; names the owner that is in the way. */
  readonly message: string;
  /** All that it was about, with what belongs to them. */
  readonly processes: readonly ProcessOutcome[];
}
/** What became of one process. */
export interface ProcessOutcome {
  readonly pid: number;
  readonly command: string;
  /** The signals that it was sent, in order. */
  readonly signals: readonly string[];
  /** Why it is still there; null: it has ended. */
  readonly left: string | null;
}
/** A process as it was found. Hand it back to `killProcessById`, and only this very process can be meant. */
export interface FoundProcess {
  readonly pid: number;
  /** Its short name, as in `ps -o comm`. */
  readonly name: string;
  readonly command: string;
  readonly user: string;
  /** Boot id, pid and start tick: what makes it this very process. */
  readonly process: ProcessIdentity;
}
/** How something is ended: SIGTERM, and SIGKILL for what is left. */
export interface KillOptions {
  /** Also what belongs to another user or project. Default false. */
  readonly force?: boolean;
  /** Milliseconds from SIGTERM to SIGKILL. Default 5 s. */
  readonly grace?: number;
}

export function refuse(reason: Exclude<ActionReason, 'done'>, message: string): ActionResult {
  return { ok: false, reason, message, processes: [] };
}
export function describeProcess({ command, pid, user }: Pick<FoundProcess, 'command' | 'pid' | 'user'>): string {
  return `${command} (pid ${pid}, user ${user})`;
}
