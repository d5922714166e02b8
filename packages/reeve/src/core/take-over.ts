import type { Exit, Intent, ProcessIdentity, RunOrigin } from '@reeve/contract';
import type { Instant } from '../base/instant.ts';
import type { FoundRun } from './interfaces.ts';

/** A run that a keeper holds, or that living processes speak of: the registry may know nothing of it. */
export interface Candidate {
  readonly run: string;
  /** Of the instance that it is a run of. */
  readonly id: string;
  readonly main: ProcessIdentity;
  /** null: it is alive. */
  readonly exit: Exit | null;
  readonly by: 'keeper' | 'processes';
  /** What the system shows; null: no process of the run is alive, or says so. */
  readonly found: FoundRun | null;
}

/**
 * Which of an instance's live runs it continues with, when its memory names `remembered`: that one if it is alive, else the
 * newest. The others are copies that should not be there.
 */
export function chooseRun(
  remembered: string | null,
  candidates: readonly Candidate[],
): { readonly goesOn: Candidate | null; readonly copies: readonly Candidate[] } {
  const alive = candidates.filter(({ exit }) => exit === null);
  const newest = [...alive].sort((a, b) => b.main.start - a.main.start)[0] ?? null;
  const goesOn = alive.find(({ run }) => run === remembered) ?? newest;
  return { goesOn, copies: alive.filter((each) => each !== goesOn) };
}

/** What is known of a run's beginning. */
export interface Beginning {
  readonly at: Instant;
  /** null: not known. */
  readonly generation: number | null;
}
interface KnownIntent {
  readonly want: Intent;
  readonly generation: number;
  readonly at: Instant;
}

/**
 * What is wanted of a service whose run is taken over. A run that began after the intent was written down shows that a
 * later one has been lost: it was wanted up then. Otherwise the intent is the later word.
 */
export function intentAfterLoss(
  intent: KnownIntent,
  begun: Beginning,
): { readonly want: Intent; readonly generation: number; readonly isNewer: boolean } {
  const generation = Math.max(intent.generation, begun.generation ?? 1);
  const isNewer = begun.at > intent.at || generation > intent.generation;
  return { want: isNewer ? 'up' : intent.want, generation, isNewer };
}

/** When the run began, by what its keeper recorded. */
export function beginningOf(origin: RunOrigin | null, seen: Instant): Beginning {
  return origin === null ? { at: seen, generation: null } : { at: origin.started_at, generation: origin.generation };
}
