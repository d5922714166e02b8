import type { CrashView, EventView } from '@reeve/contract';
import { iso } from '../../base/instant.ts';
import type { Registry, StoredEvent } from '../registry.ts';
import { eventView } from '../view.ts';
import { chainOf } from './causes.ts';

/** How far back the last bad end is looked for. */
const DEPTH = 100;
const SHOWN = 12;

export interface Story {
  readonly events: readonly EventView[];
  readonly because: readonly EventView[];
  readonly crash: CrashView | null;
}

/** What the record tells about a service: its last events, how it came to the last one, and how it last ended badly. */
export function storyOf(events: Pick<Registry['events'], 'find' | 'get'>, folder: string, service: string): Story {
  const own = events.find({ folder, service, newest: DEPTH });
  return {
    events: own.slice(-SHOWN).map(eventView),
    because: chainOf(own.at(-1) ?? null, (seq) => events.get(seq)).map(eventView),
    crash: lastCrash(own),
  };
}

/** The decision after a bad end carries what was captured; a wish or a good end after it makes it history. */
function lastCrash(own: readonly StoredEvent[]): CrashView | null {
  const decided = own.findLast(({ event, data }) => ENDS.has(event) && Array.isArray(data['lines']));
  if (!decided) return null;
  const { at, run, data } = decided;
  return { at: iso(at), run, cause: String(data['cause']), lines: (data['lines'] as readonly unknown[]).map(String) };
}
const ENDS: ReadonlySet<string> = new Set(['service.restarting', 'service.failed']);
