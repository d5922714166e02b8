import { linkSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseServiceCard } from '@reeve/contract';
import { isSame, readOwnFile } from '@reeve/host';

/**
 * Takes the card of an ended service off the disk. Its name may be taken again at this very moment: so it is renamed
 * first, looked at, and put back if the process in it lives. Returns whether it is gone. Never throws.
 */
export function removeCard(file: string): boolean {
  const aside = join(file, '..', `.removing-${process.pid}-${file.split('/').at(-1)}`);
  try {
    renameSync(file, aside);
  } catch {
    return false;
  }
  const read = readOwnFile(aside, 1 << 20);
  const card = read.ok ? parseServiceCard(read.text) : null;
  const isAlive = card?.process != null && card.state !== 'stopped' && isSame(card.process);
  try {
    // A newer card may lie there by now: it stands.
    if (isAlive) linkSync(aside, file);
  } catch {
    // It does.
  }
  unlinkSync(aside);
  return !isAlive;
}
