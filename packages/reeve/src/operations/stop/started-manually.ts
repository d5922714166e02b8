import type { ProjectRef } from '@reeve/contract';
import { readAnnouncements } from '../../announcements/read-announcements.ts';
import { removeCard } from '../../announcements/remove-card.ts';
import type { Announced } from '../../core/announced/announced.ts';
import { type Caller, thatRun } from './end-manual.ts';

/** A project as services announce it: by its folder, or by the name that they give it. */
export function announcedIn({ paths }: Pick<Caller, 'paths'>, ref: ProjectRef): readonly Announced[] {
  const name = ref.name?.toLowerCase();
  return readAnnouncements(paths).announced.filter(({ card }) =>
    ref.folder !== undefined ? card.folder === ref.folder : card.project.toLowerCase() === name,
  );
}

/** Whether reeve itself runs what announces itself there. */
export type Supervises = (announced: Announced) => boolean;

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
  const wanted = new Set(words.map((word) => word.replace(/:\d+$/, '').toLowerCase()));
  return ({ card }) => wanted.has(card.service.toLowerCase());
}

/** The words that no announcement knows. */
export function wordsBeside(words: readonly string[], announced: readonly Announced[]): readonly string[] {
  const known = new Set(announced.map(({ card }) => card.service.toLowerCase()));
  return words.filter((word) => !known.has(word.toLowerCase()));
}

/** Takes the cards of what has ended away; those of other programs, and of what lives, stay. */
export function forgetCards(announced: readonly Announced[]): void {
  for (const { origin, file } of announced) if (origin === 'library') removeCard(file);
}
