import { type KeptRun, ReeveError } from '@reeve/contract';
import type { OwnRegistry } from '../registry/open.ts';
import { recoverAll } from '../supervisor/recovery.ts';
import { tellOfRegistry } from '../supervisor/registry-replaced.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** What was wrong with the registry when it was opened. */
export interface Damage {
  readonly why: string;
  /** Its new name; null: it was missing. */
  readonly aside: string | null;
}

/**
 * Takes up what the last daemon remembered. A registry that turns out to be unreadable only now is set aside too. What
 * runs is taken over either way, and every project gets an event that says why its history begins here.
 */
export async function recoverOrBeginAnew(
  supervisor: Supervisor,
  kept: readonly KeptRun[],
  registry: OwnRegistry,
  damage: Damage | null,
): Promise<void> {
  let found = damage;
  if (found !== null) continueEvents(supervisor);
  try {
    await recoverAll(supervisor, kept);
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'REGISTRY_DAMAGED')) throw error;
    for (const project of [...supervisor.projects.values()]) supervisor.remove(project);
    found = { why: error.message, aside: registry.beginAnew().aside };
    continueEvents(supervisor);
    await recoverAll(supervisor, kept);
  }
  if (found === null) return;
  const what = `${found.why}; it was set aside${found.aside === null ? '' : ` as ${found.aside}`}, a new one was begun, and what runs was taken over`;
  supervisor.deps.log.error({}, what);
  tellOfRegistry(supervisor, what);
}

/** How many events the lost registry had is not known: fewer than milliseconds since 1970. A reader misses nothing. */
function continueEvents({ deps, outbox }: Supervisor): void {
  const seq = deps.clock.now();
  deps.registry.events.continueAfter(seq);
  outbox.beginAfter(seq);
}
