import { ReeveError, type ServiceView } from '@reeve/contract';
import type { Announced } from '../core/announced/announced.ts';
import { announcedOf, onlyAnnounced } from './announced-here.ts';
import type { Context } from './context.ts';
import { NO_DAEMON } from './no-daemon.ts';
import type { Target } from './project/target.ts';
import { viewProject } from './project-views.ts';

/** A service that reeve did not start, as it is shown and as it announced itself. */
export interface ByHand {
  readonly service: ServiceView;
  readonly announced: Announced;
}

/**
 * Which of the words (all without) mean services that were started manually: what reeve runs itself is left to it, and
 * so is a declared service of which no copy by hand lives.
 */
export async function findByHand(
  context: Context,
  target: Target,
  words: readonly string[],
): Promise<readonly ByHand[]> {
  const wanted = new Set(words.map(nameIn));
  const named = announcedOf(context, target).filter(
    ({ card }) => words.length === 0 || wanted.has(card.service.toLowerCase()),
  );
  if (named.length === 0) return [];
  const services = await servicesOf(context, target);
  return services.flatMap((service): readonly ByHand[] => {
    if (service.managed_by !== 'announced' && service.managed_by !== 'registered') return [];
    const own = named.filter(({ card }) => card.service.toLowerCase() === service.name.toLowerCase());
    const announced = own.find(({ liveness }) => liveness === 'live') ?? own[0];
    return announced ? [{ service, announced }] : [];
  });
}

/** The words that mean none of them. */
export function wordsBeside(words: readonly string[], byHand: readonly ByHand[]): readonly string[] {
  const known = new Set(byHand.map(({ service }) => service.name.toLowerCase()));
  return words.filter((word) => !known.has(nameIn(word)));
}

function nameIn(word: string): string {
  return word.replace(/:\d+$/, '').toLowerCase();
}

/** A config that cannot be read hides nothing that announced itself. */
async function servicesOf(context: Context, target: Target): Promise<readonly ServiceView[]> {
  try {
    return (await viewProject(context, target)).services;
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return onlyAnnounced(context, target, new Set(), NO_DAEMON).flatMap(({ services }) => services);
  }
}
