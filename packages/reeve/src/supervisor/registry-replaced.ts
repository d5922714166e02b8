import type { DaemonProblem } from '@reeve/contract';
import { type Instant, iso } from '../base/instant.ts';
import type { Registry } from '../core/registry.ts';
import type { Supervisor } from './supervisor.ts';

const FACT = 'registry_replaced';
/** How long `up`, `ps` and `status` say it. `events` says it for as long as events are kept. Milliseconds. */
const SAID_FOR = 24 * 3600_000;

/** Says in the history of every project, and for a day wherever problems are shown, what has happened to the registry. */
export function tellOfRegistry(supervisor: Supervisor, message: string): void {
  const { registry, clock } = supervisor.deps;
  const at = clock.now();
  registry.facts.set(FACT, JSON.stringify({ at, message }));
  for (const { row } of supervisor.projects.values()) {
    supervisor.outbox.event(
      {
        at,
        folder: row.folder,
        project: row.name,
        service: null,
        instance: null,
        run: null,
        event: 'registry.replaced',
        message,
        data: {},
      },
      null,
    );
  }
}

/** Empty: nothing has happened to it of late. */
export function registryProblems(registry: Registry, now: Instant): readonly DaemonProblem[] {
  const fact = read(registry);
  if (fact === null) return [];
  const { at, message } = JSON.parse(fact) as { at: number; message: string };
  if (Math.abs(now - at) > SAID_FOR) return [];
  const hint = 'compare what runs with what you want: reeve ps --all; reeve up in the folder of each project';
  return [{ code: 'registry_replaced', message: `${iso(at)}: ${message}`, hint }];
}

/** One that cannot be read now is noticed by the daemon's self-check, not here. */
function read(registry: Registry): string | null {
  try {
    return registry.facts.get(FACT);
  } catch {
    return null;
  }
}
