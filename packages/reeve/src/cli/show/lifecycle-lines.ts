import type { EventView, ProjectRef } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type Context, say } from '../context.ts';
import { isLost } from '../daemon/reach-daemon.ts';
import { clockTime } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { glyph } from '../terminal/style.ts';

/** What happens to a service that the person who watches its log wants to know: no step on the way, and nothing twice. */
const TOLD: ReadonlySet<string> = new Set([
  'service.restarting',
  'service.failed',
  'service.stopping',
  'service.killing',
  'service.stopped',
  'service.completed',
  'service.ready',
  'service.not_ready',
  'service.left_behind',
  'service.dependency_lost',
  'service.paused',
  'service.resumed',
  'service.log_gap',
]);

/** From now on: what happens to these services, a line each, beside their output. With --json the output alone is shown. */
export function tellLifecycle(
  context: Context,
  client: ReeveClient,
  project: ProjectRef,
  names: readonly string[],
): { readonly stop: () => void } {
  const abort = new AbortController();
  if (context.json) return { stop: () => {} };
  const onPush = (event: EventView): void => {
    if (event.service === null || !names.includes(event.service) || !TOLD.has(event.event)) return;
    say(context, line(context, event, event.service));
  };
  const { signal } = abort;
  client.call('events', { project }, { onPush, signal, deadline: Number.POSITIVE_INFINITY }).catch((error: unknown) => {
    // The call that matters says it too, and better.
    if (!signal.aborted && !isLost(error)) say(context, `cannot show events: ${oneLine(String(error))}`);
  });
  return { stop: () => abort.abort() };
}

function line({ talk }: Context, { at, instance, message }: EventView, service: string): string {
  const time = talk.rich ? `${talk.paint('grey', clockTime(Date.parse(at)))} ` : '';
  const who = instance === null || instance === 0 ? service : `${service}:${instance}`;
  return `${time}${talk.paint('bold', `${glyph(talk, 'rule')} ${who}: ${oneLine(message)}`)}`;
}
