import { ReeveError } from '@reeve/contract';
import type { Lock } from '@reeve/host';
import type { Keepers } from '../keepers/keepers.ts';
import { Successor } from './successor-process.ts';

let isUnderWay = false;

/** Starts the program that is to take over, one at a time. Throws UPGRADE_FAILED; nothing has changed then. */
export async function prepareSuccessor(
  program: readonly string[],
  { home, lock }: { readonly home: string; readonly lock: Lock },
  keepers: Pick<Keepers, 'about'>,
): Promise<Successor> {
  if (isUnderWay) throw refusal('another upgrade is under way', 'reeve daemon status tells when it is over');
  if (process.pid === 1)
    throw refusal('it is process 1, and everything would end with it', 'start its container anew with the new version');
  if (lock.fd === null)
    throw refusal(
      'its lock cannot be handed over without the system-call binding',
      'reeve daemon stop, then reeve daemon start: services keep running',
    );
  isUnderWay = true;
  try {
    const keeperProtocols = keepers.about().map(({ protocol }) => protocol);
    return await Successor.prepare({ home, program, lock: lock.fd, keeperProtocols });
  } finally {
    isUnderWay = false;
  }
}

function refusal(why: string, hint: string): ReeveError {
  return new ReeveError('UPGRADE_FAILED', { why, hint });
}
