import { durationOption } from '../command-line/read-options.ts';
import { type Context, has, say } from '../context.ts';
import { Interrupts, STOP_GOES_ON } from '../interrupts.ts';
import { operationsTo } from '../operations-of.ts';
import { findProject } from '../project/find-project.ts';
import { askDaemon } from '../project-views.ts';
import { connectToStop, showReceipt, stopTarget } from '../stop-services.ts';

export async function run(context: Context): Promise<number> {
  const target = await findProject(context);
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: STOP_GOES_ON });
  const isKnown = client !== null && (await askDaemon(client, target)) !== null;
  const receipt = await stopTarget(context, operationsTo(context, client), target, {
    services: [],
    call: 'down',
    timeout: durationOption(context, 'timeout'),
    force: false,
    purge: has(context, 'purge'),
    signal: interrupts.signal,
  });
  const code = showReceipt(context, receipt);
  if (code === 0 && isKnown && !context.json) say(context, forgotten(receipt.project, has(context, 'purge')));
  return code;
}

function forgotten(project: string, isPurged: boolean): string {
  return isPurged
    ? `${project} is forgotten, with its logs and history`
    : `${project} is forgotten; its logs and history stay until reeve down --purge`;
}
