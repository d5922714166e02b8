import type { PsView } from '@reeve/contract';
import { removeCard } from '../../announcements/remove-card.ts';
import type { Announced } from '../../core/announced/announced.ts';
import { isSupervised } from '../../core/announced/announced-view.ts';
import { type Caller, thatRun } from './end-manual.ts';

/** Whether reeve itself runs what announces itself there. */
export type Supervises = (announced: Announced) => boolean;

/** What reeve did not start itself, by the views of what it runs. */
export function startedManually(announced: readonly Announced[], views: readonly PsView[]): readonly Announced[] {
  const services = views
    .flatMap((view) => view.services)
    .filter(({ managed_by }) => managed_by !== 'announced' && managed_by !== 'registered');
  return announced.filter((each) => each.card.run === null || !services.some((service) => isSupervised(service, each)));
}

/** What runs although reeve did not start it, and what it has left behind; chosen by words (all without). */
export function runningManually(
  caller: Caller,
  announced: readonly Announced[],
  words: readonly string[],
  supervises: Supervises,
): readonly Announced[] {
  const manual = announced.filter((each) => !supervises(each));
  return thatRun(caller, words.length === 0 ? manual : manual.filter(isNamedIn(words)));
}

/** Whether one of the words means it. */
function isNamedIn(words: readonly string[]): (announced: Announced) => boolean {
  const wanted = new Set(words.map(serviceIn));
  return ({ card }) => wanted.has(card.service.toLowerCase());
}

/** What was started manually is one process: `web`, or `web:0`. */
function serviceIn(word: string): string {
  return word.replace(/:0$/, '').toLowerCase();
}

/** The words that no announcement knows. */
export function wordsBeside(words: readonly string[], announced: readonly Announced[]): readonly string[] {
  const known = new Set(announced.map(({ card }) => card.service.toLowerCase()));
  return words.filter((word) => !known.has(serviceIn(word)));
}

/** Takes the cards of what has ended away; those of other programs, and of what lives, stay. */
export function forgetCards(announced: readonly Announced[]): void {
  for (const { origin, file } of announced) if (origin === 'library') removeCard(file);
}
