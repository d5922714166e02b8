import { ReeveError, type ReplacedCopy } from '@reeve/contract';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { announcedIn } from '../read/announced.ts';
import { type Caller, endManual } from '../stop/end-manual.ts';
import { runningManually } from '../stop/started-manually.ts';
import { supervisedBy } from '../stop/supervised-by.ts';

/**
 * Before reeve starts services: copies of them that were started manually are ended in order (their control socket,
 * then signals), so that there is never a second one. Throws TAKE_OVER_FAILED when one stays.
 */
export async function replaceCopies(
  supervisor: Supervisor,
  caller: Caller,
  folder: string,
  services: readonly string[],
): Promise<readonly ReplacedCopy[]> {
  if (services.length === 0) return [];
  const manual = runningManually(caller, announcedIn(caller.paths, { folder }), services, supervisedBy(supervisor));
  const ended = await endManual(caller, manual, { timeout: null, force: false, cleanUp: false });
  return ended.map(({ announced: { card, liveness }, survivors: [left] }) => {
    if (left) throw new ReeveError('TAKE_OVER_FAILED', { name: card.service, pid: left.pid, why: left.why });
    return { service: card.service, pid: card.pid, was_running: liveness === 'live' };
  });
}
