import { startCommand } from '@reeve/host';
import { type Announced, portsOf } from '../core/announced/announced.ts';
import { commandOf } from './clean-up.ts';

/** `not_announced`: it is cleaned, and nobody knows how to start it. */
export interface StartOutcome {
  readonly ok: boolean;
  readonly reason: 'done' | 'failed' | 'timed_out' | 'not_announced';
  readonly message: string | null;
}

/** Runs the announced start, of everything that its card says it listens on. It goes on when we end. Never rejects. */
export async function startAnnounced(
  { card }: Announced,
  { env, limit }: { readonly env: Readonly<Record<string, string>>; readonly limit: number },
): Promise<StartOutcome> {
  const command = commandOf(card.announcement?.start ?? null);
  if (command === null) {
    const message = card.announcement?.start
      ? 'its start was a method of the process that has ended'
      : 'announces no start';
    return { ok: false, reason: 'not_announced', message };
  }
  const end = await startCommand({ command, cwd: card.cwd, env, limit }, portsOf(card));
  return { ok: end.reason === 'done', ...end };
}
