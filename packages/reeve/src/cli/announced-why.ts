import type { UnmanagedView, WhyView } from '@reeve/contract';
import { startedAt } from '@reeve/host';
import { iso } from '../base/instant.ts';
import type { Announced } from '../core/announced/announced.ts';
import { whyAnnounced } from '../core/announced/announced-why.ts';
import { type Story, storyOf } from '../core/graph/story.ts';
import { findByHand } from './by-hand.ts';
import type { Context } from './context.ts';
import { lookAtHome } from './home-look.ts';
import { withMemory } from './memory.ts';
import { managedNames } from './project/managed-names.ts';
import type { Target } from './project/target.ts';

const NO_STORY: Story = { events: [], because: [], crash: null };

/** `why` of a service that was started manually; null: the word means none. */
export async function announcedWhy(context: Context, target: Target, word: string): Promise<WhyView | null> {
  const [found] = await findByHand(context, target, [word]);
  if (!found) return null;
  const { card } = found.announced;
  const story = await withMemory(context, (registry) => storyOf(registry.events, card.folder, card.service));
  const names = await managedNames(context, target);
  return whyAnnounced({
    ...found,
    isDeclared: names.has(card.service.toLowerCase()),
    story: story ?? NO_STORY,
    survivors: await leftBy(context, found.announced),
  });
}

/** What it has left behind: children of a process that has ended. */
async function leftBy(context: Context, { card }: Announced): Promise<readonly UnmanagedView[]> {
  const { processes } = await lookAtHome(context);
  return processes.flatMap(({ owner, row, process, listens }) => {
    if (owner?.byHand?.card.id !== card.id || owner.isLive) return [];
    const ports = [...new Set(listens.map(({ port }) => port))];
    const what = { pid: row.pid, started_at: iso(startedAt(process)), command: row.command, ports };
    return [{ ...what, service: card.service, found_by: owner.foundBy, confidence: 'high' as const }];
  });
}
