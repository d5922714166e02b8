import { type AnnouncedAction, ReeveError } from '@reeve/contract';
import { runCommand } from '@reeve/host';
import { askService } from '@reeve/sdk';
import type { Announced } from '../core/announced/announced.ts';

/** How an announced clean-up went. `unreachable`: its owner did not answer; `gone`: its owner, who alone could, is dead. */
export interface CleanUpOutcome {
  readonly ok: boolean;
  readonly reason: 'done' | 'failed' | 'timed_out' | 'unreachable' | 'gone';
  readonly message: string | null;
  readonly ms: number;
}

/** How much longer than the clean-up itself its answer may take. Milliseconds. */
const MARGIN = 1000;

/** The clean-up that only the owner can do, over its control socket; null: it announced none of that kind. */
export async function cleanUpInOwner({ card, liveness }: Announced): Promise<CleanUpOutcome | null> {
  const { announcement, service, socket } = card;
  if (announcement?.cleanup?.kind !== 'method') return null;
  const began = performance.now();
  const outcome = (reason: CleanUpOutcome['reason'], message: string | null): CleanUpOutcome => ({
    ok: reason === 'done',
    reason,
    message,
    ms: Math.round(performance.now() - began),
  });
  if (liveness !== 'live') return outcome('gone', 'its process is gone, and it announced no command for this');
  const limit = announcement.cleanup_timeout;
  try {
    const told = await askService({ service, socket: socket ?? '' }, 'cleanup', { timeout: limit }, limit + MARGIN);
    const reason = told.reason === 'not_announced' ? 'failed' : told.reason;
    return outcome(reason, told.message ?? (reason === 'timed_out' ? `not done within ${limit} ms` : null));
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    const isLate = error.params['how'] === 'silent';
    return isLate
      ? outcome('timed_out', `no answer within ${limit + MARGIN} ms`)
      : outcome('unreachable', error.message);
  }
}

/** The announced command, run here as ourselves: only files of our own user are ever read. Null: there is none. */
export async function cleanUpByCommand(
  { card }: Announced,
  env: Readonly<Record<string, string>>,
): Promise<CleanUpOutcome | null> {
  const { announcement } = card;
  const command = commandOf(announcement?.cleanup ?? null);
  if (command === null || announcement === null) return null;
  const began = performance.now();
  const end = await runCommand({ command, cwd: card.cwd, env, limit: announcement.cleanup_timeout });
  return { ok: end.reason === 'done', ...end, ms: Math.round(performance.now() - began) };
}

export function commandOf(action: AnnouncedAction | null): string | readonly string[] | null {
  return action?.kind === 'command' ? action.command : null;
}
