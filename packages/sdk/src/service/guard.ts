import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type GuardCard, parseGuardCard, ReeveError } from '@reeve/contract';
import { homePaths, instanceId, readOwnFile } from '@reeve/host';
import { AlreadyRunning } from './already-running.ts';
import type { ServicePlace } from './place.ts';
import { report } from './report.ts';
import { warn } from './warn.ts';

const LARGEST = 1 << 20;

/**
 * A service that reeve manages, and that is started by hand: by the config's `guard` it warns and continues, or hands
 * over to `reeve up` (throws `AlreadyRunning`, handed over, when that went well; START_FAILED when not), or refuses
 * (throws GUARD_REFUSED). Asks a file of the home: no daemon is needed. What reeve started itself continues.
 */
export async function passGuard(place: ServicePlace): Promise<void> {
  if (process.env['REEVE_RUN']) return;
  const card = readGuard(place);
  if (card === null || !card.services.some((name) => name.toLowerCase() === place.service.toLowerCase())) return;
  const who = { name: place.service, project: card.project };
  switch (card.policy) {
    case 'warn':
      warn(
        'REEVE_GUARD',
        `${place.service} is managed by reeve (project ${card.project}) and was started manually: it will not be restarted. reeve up ${place.service} takes it over`,
      );
      return;
    case 'refuse':
      throw new ReeveError('GUARD_REFUSED', who);
    case 'redirect':
      await handOver(card, place.service);
      throw new AlreadyRunning(place, null, { handedOver: true });
  }
}

function readGuard({ home, folder }: ServicePlace): GuardCard | null {
  const read = readOwnFile(join(homePaths(home).guard, `${instanceId(folder, '', 0)}.json`), LARGEST);
  const card = read.ok ? parseGuardCard(read.text) : null;
  return card?.folder === folder ? card : null;
}

/** Throws START_FAILED. */
async function handOver({ up }: GuardCard, service: string): Promise<void> {
  const [file = '', ...args] = [...up, service];
  report(`${service} is managed by reeve: handing over to reeve up ${service}`);
  // Its results are for people here: our output is the service's.
  const child = spawn(file, args, { stdio: ['ignore', 2, 2] });
  const how = await once(child, 'exit').then(
    ([code, signal]: unknown[]) => (code === 0 ? null : `reeve up ended with ${String(code ?? signal)}`),
    (error: Error) => error.message,
  );
  if (how !== null) throw new ReeveError('START_FAILED', { name: service, reason: how, message: how, why: how });
}
