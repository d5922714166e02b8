import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseServiceCard, SERVICE_CARD_NAME, type ServiceCard } from '@reeve/contract';
import { type HomePaths, identify, isHidden, isSame, readOwnFile, startedAt } from '@reeve/host';
import type { Announced, Ignored, Liveness, Origin } from '../core/announced/announced.ts';
import { readDropped } from './dropped-file.ts';

/** Bytes of one card: data has 256 KiB, the rest is small. */
const LARGEST = 1 << 20;
/** Files of one folder that are read; more than that is never meant. */
const MOST = 5000;
/** A service that ended in order this long ago is shown no longer. Milliseconds. */
const KEEP = 24 * 3600_000;
/** A process that started this much after its pid was written down is another one. Milliseconds. */
const SLACK = 2000;

export interface Found {
  readonly announced: readonly Announced[];
  /** What was passed over. */
  readonly ignored: readonly Ignored[];
  /** Files of services that ended in order over a day ago: they are no longer needed. */
  readonly forgotten: readonly string[];
}

/**
 * Every service that said itself that it is there: cards of the library (`run/*.json`) and files that others dropped
 * (`announce/*.json`). Whether its process lives is looked at; files are never believed about that. Never throws:
 * rubbish is passed over, and told.
 */
export function readAnnouncements(paths: Pick<HomePaths, 'run' | 'announce'>): Found {
  const found = [
    ...readFolder(paths.run, SERVICE_CARD_NAME, readCard),
    ...readFolder(paths.announce, DROPPED, dropped),
  ];
  const announced = new Map<string, Announced>();
  const ignored: Ignored[] = [];
  const forgotten: string[] = [];
  for (const each of found) {
    if ('why' in each) ignored.push(each);
    else if (isForgotten(each)) forgotten.push(each.file);
    // Who holds the name by lock speaks for it.
    else if (announced.get(each.card.id)?.liveness !== 'live') announced.set(each.card.id, each);
  }
  return { announced: [...announced.values()].sort(byName), ignored, forgotten };
}

const DROPPED = /^[^.].*\.json$/;

/** The card of one file of `run/`, if it is one. */
function readCard(file: string, name: string): Announced | Ignored | null {
  const read = readOwnFile(file, LARGEST);
  if (!read.ok) return read.why === null ? null : { file, why: read.why };
  const card = parseServiceCard(read.text);
  if (card === null) return { file, why: 'is not a service card, or has a newer format' };
  if (`${card.id}.json` !== name) return { file, why: 'is stored under the file name of another service' };
  return judged(card, 'library', file, read.modified);
}

function isForgotten({ card, liveness, origin }: Announced): boolean {
  return (
    origin === 'library' && liveness === 'stopped' && Date.parse(card.ended_at ?? card.updated_at) < Date.now() - KEEP
  );
}

function dropped(file: string): Announced | Ignored | null {
  const read = readOwnFile(file, LARGEST);
  if (!read.ok) return read.why === null ? null : { file, why: read.why };
  const result = readDropped(read.text);
  if (!result.ok) return { file, why: result.why };
  return judged(result.card, result.registered ? 'registered' : 'file', file, read.modified);
}

function judged(card: ServiceCard, origin: Origin, file: string, written: number): Announced {
  const identity = card.process !== null ? 'verified' : card.pid > 1 ? 'pid' : 'none';
  return { card, origin, file, identity, liveness: livenessOf(card, identity, written) };
}

/** By the process, never by files or sockets. */
function livenessOf(card: ServiceCard, identity: Announced['identity'], written: number): Liveness {
  if (card.state === 'stopped') return 'stopped';
  if (identity === 'none') return 'unknown';
  if (card.process !== null && isSame(card.process)) return 'live';
  if (isHidden(card.pid)) return 'unknown';
  if (card.process !== null) return 'stale';
  const now = identify(card.pid);
  return now !== null && startedAt(now) <= written + SLACK ? 'live' : 'stale';
}

function readFolder(
  folder: string,
  names: RegExp,
  read: (file: string, name: string) => Announced | Ignored | null,
): readonly (Announced | Ignored)[] {
  let entries: readonly string[];
  try {
    if (lstatSync(folder).isSymbolicLink()) return [{ file: folder, why: 'is a symbolic link' }];
    entries = readdirSync(folder);
  } catch {
    return [];
  }
  const wanted = entries.filter((name) => names.test(name)).sort();
  return wanted.slice(0, MOST).flatMap((name) => read(join(folder, name), name) ?? []);
}

function byName(a: Announced, b: Announced): number {
  return a.card.project.localeCompare(b.card.project) || a.card.service.localeCompare(b.card.service);
}
