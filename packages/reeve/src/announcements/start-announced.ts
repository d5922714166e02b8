import { environOf, OWNER_MARK, startCommand } from '@reeve/host';
import { type Announced, portsOf } from '../core/announced/announced.ts';
import { commandOf } from './clean-up.ts';

/** `not_announced`: it is cleaned, and how to start it is unknown. */
export interface StartOutcome {
  readonly ok: boolean;
  readonly reason: 'done' | 'failed' | 'timed_out' | 'not_announced';
  readonly message: string | null;
}

export interface StartAnnouncedOptions {
  /** For the announced start. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly limit: number;
  /** The environment that its process had, to start it again as it was; null: it did not run. */
  readonly before: Readonly<Record<string, string>> | null;
}

/**
 * Runs the announced start, of everything that its card says it listens on; without one, or where only the process that
 * has ended could have done it, the command line of the card, as it was. It continues when we end. Never rejects.
 */
export async function startAnnounced(
  { card }: Announced,
  { env, limit, before }: StartAnnouncedOptions,
): Promise<StartOutcome> {
  const command = commandOf(card.announcement?.start ?? null);
  const again = before !== null && card.argv.length > 0 ? { command: card.argv, env: before } : null;
  const start = command === null ? again : { command, env };
  if (start === null) {
    const message = card.announcement?.start ? 'its start function ended with its process' : 'announces no start';
    return { ok: false, reason: 'not_announced', message };
  }
  const end = await startCommand({ ...start, cwd: card.cwd, limit }, portsOf(card));
  return { ok: end.reason === 'done', ...end };
}

/** The environment of each that runs, by the id of its card: to be read before it is ended. */
export function environmentsOf(announced: readonly Announced[]): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return new Map(
    announced.flatMap(({ card, liveness, identity }) => {
      const environ = liveness === 'live' && identity === 'verified' ? environOf(card.pid) : null;
      if (environ === null) return [];
      // Whose it was counted as is of its last start alone.
      const { [OWNER_MARK]: _before, ...env } = Object.fromEntries(environ);
      return [[card.id, env] as const];
    }),
  );
}
