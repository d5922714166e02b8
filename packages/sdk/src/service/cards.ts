import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseServiceCard, SERVICE_CARD_NAME, type ServiceCard } from '@reeve/contract';
import { isSame, readOwnFile } from '@reeve/host';

/** Whether what a card speaks of is there. `stopped`: it ended in order. `stale`: it was killed. */
export type Liveness = 'live' | 'stale' | 'stopped';

/** Writes a card whole: a reader meets the old one or the new one. Throws what the system says. */
export function writeCard(file: string, card: ServiceCard): void {
  // Hidden, and not a card's name: a draft is never listed.
  const draft = join(file, '..', `.${card.id}.${process.pid}.${randomBytes(3).toString('hex')}`);
  try {
    writeFileSync(draft, `${JSON.stringify(card, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Bytes of a card: data has 256 KiB, the rest is small. */
const LARGEST = 1 << 20;

/** null: no such file of our own, too large, or not a card of a format that this version knows. */
export function readCard(file: string): ServiceCard | null {
  const read = readOwnFile(file, LARGEST);
  return read.ok ? parseServiceCard(read.text) : null;
}

/** Every card in a home's `run` folder, live or not; empty when there is no such folder. */
export function listCards(run: string): readonly ServiceCard[] {
  let names: readonly string[];
  try {
    names = readdirSync(run);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const id = SERVICE_CARD_NAME.exec(name)?.[1];
    const card = id === undefined ? null : readCard(join(run, name));
    // A card under another's name belongs to no service.
    return card !== null && card.id === id ? [card] : [];
  });
}

/** By the process of the card, never by its files. */
export function livenessOf(card: ServiceCard): Liveness {
  if (card.state === 'stopped') return 'stopped';
  return isAlive(card) ? 'live' : 'stale';
}

function isAlive({ process: identity, pid }: ServiceCard): boolean {
  if (identity !== null) return process.platform === 'linux' && isSame(identity);
  try {
    return pid > 1 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
