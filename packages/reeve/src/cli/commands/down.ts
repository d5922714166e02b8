import { removeCard } from '../../announcements/remove-card.ts';
import { announcedOf } from '../announced-here.ts';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, has, say } from '../context.ts';
import { Interrupts, STOP_GOES_ON } from '../interrupts.ts';
import { findProject } from '../project/find-project.ts';
import type { Target } from '../project/target.ts';
import { askDaemon } from '../project-views.ts';
import { connectToStop, showReceipt } from '../stop-services.ts';
import { stopAllOf } from '../stop-with-announced.ts';

export async function run(context: Context): Promise<number> {
  const target = await findProject(context);
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: STOP_GOES_ON });
  const isKnown = client !== null && (await askDaemon(client, target)) !== null;
  const receipt = await stopAllOf(context, target, {
    client,
    services: [],
    call: 'down',
    timeout: durationOption(context, 'timeout'),
    force: false,
    purge: has(context, 'purge'),
    signal: interrupts.signal,
  });
  const code = showReceipt(context, receipt);
  if (code === 0 && isKnown && !context.json) say(context, forgotten(receipt.project, has(context, 'purge')));
  if (code === 0) forgetEnded(context, target);
  return code;
}

/** The cards of services that were started manually and have ended. */
function forgetEnded(context: Context, target: Target): void {
  for (const { origin, file } of announcedOf(context, target)) if (origin === 'library') removeCard(file);
}

function forgotten(project: string, isPurged: boolean): string {
  return isPurged
    ? `${project} is forgotten, with its logs and history`
    : `${project} is forgotten; its logs and history stay until reeve down --purge`;
}
