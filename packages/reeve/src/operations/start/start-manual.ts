import { environmentsOf, startAnnounced } from '../../announcements/start-announced.ts';
import type { Announced } from '../../core/announced/announced.ts';
import { type Caller, environmentFor } from '../stop/end-manual.ts';

export { environmentsOf };

/** How one start went. `not_announced`: it is cleaned up, and how to start it is unknown. */
export interface StartRow {
  readonly project: string;
  readonly service: string;
  readonly ok: boolean;
  readonly reason: 'ready' | 'started' | 'failed' | 'timed_out' | 'not_announced';
  readonly message: string | null;
}

/**
 * What announced itself, by its own start command, else as it ran before (`environments`, by card). One that ran and
 * cannot be started again is a failure: something is down that was up.
 */
export async function startManual(
  caller: Caller,
  managers: readonly Announced[],
  limit: number,
  environments: ReturnType<typeof environmentsOf> = new Map(),
): Promise<readonly StartRow[]> {
  return Promise.all(
    managers.map(async (each): Promise<StartRow> => {
      const { project, service, id } = each.card;
      const before = environments.get(id) ?? null;
      const options = { env: environmentFor(caller, each), limit, before };
      const { ok, reason, message } = await startAnnounced(each, options);
      if (reason === 'not_announced') {
        const isDown = each.liveness === 'live';
        return { project, service, ok: !isDown, reason, message: `cleaned, not started (${message})` };
      }
      return { project, service, ok, reason: reason === 'done' ? 'started' : reason, message };
    }),
  );
}
