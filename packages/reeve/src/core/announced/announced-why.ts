import type { ServiceView, UnmanagedView, WhyView } from '@reeve/contract';
import type { Story } from '../graph/story.ts';
import { describeExit } from '../restart/restart.ts';
import type { Announced } from './announced.ts';

export interface AnnouncedFacts {
  readonly service: ServiceView;
  readonly announced: Announced;
  /** The config declares a service of this name. */
  readonly isDeclared: boolean;
  readonly story: Story;
  readonly survivors: readonly UnmanagedView[];
}

/** `reeve why` of a service that reeve did not start: what it says of itself, and what was looked at. */
export function whyAnnounced({ service, announced, isDeclared, story, survivors }: AnnouncedFacts): WhyView {
  const { name } = service;
  const isUp = service.state !== 'stopped';
  return {
    service,
    summary: summaryOf(service, announced),
    waits_for: [],
    roots: [],
    blocks: [],
    ...story,
    last_lines: [],
    next_try_at: null,
    survivors,
    try: [
      ...(isUp ? [`reeve stop ${name}`] : []),
      ...(survivors.length > 0 && !isUp ? [`reeve cleanup ${name}`] : []),
      ...(isDeclared ? [`reeve up ${name}`] : restarting(announced, isUp)),
    ],
  };
}

function restarting({ card }: Announced, isUp: boolean): readonly string[] {
  return !isUp && card.announcement?.start?.kind === 'command' ? [`reeve restart ${card.service}`] : [];
}

function summaryOf({ name, state, pid, exit, reason }: ServiceView, { origin, liveness }: Announced): string {
  const how = origin === 'registered' ? 'registered' : 'started manually';
  if (state !== 'stopped') return `${name} is ${state}: ${how}${pid === null ? '' : ` (pid ${pid})`}, not by reeve`;
  const ended = exit === null || exit.kind === 'unobserved' ? (reason ?? 'it has ended') : `it ${describeExit(exit)}`;
  return `${name} is stopped: it was ${how}, and ${liveness === 'stopped' || exit ? ended : (reason ?? ended)}`;
}
