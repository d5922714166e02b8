import { ReeveError } from '@reeve/contract';
import { durationOption, selection } from '../command-line/read-options.ts';
import { type Context, has, say } from '../context.ts';
import { Interrupts, STOP_GOES_ON } from '../interrupts.ts';
import { findProject } from '../project/find-project.ts';
import { tellDependants } from '../show/tell-dependants.ts';
import { stopEverything } from '../stop-everything.ts';
import { connectToStop, showReceipt, showReceipts } from '../stop-services.ts';
import { stopAllOf } from '../stop-with-announced.ts';

export async function run(context: Context): Promise<number> {
  const services = selection(context.args.positionals);
  const wish = {
    services,
    call: 'stop',
    timeout: durationOption(context, 'timeout'),
    force: has(context, 'force'),
    purge: false,
  } as const;
  if (has(context, 'all')) {
    if (services.length > 0)
      throw new ReeveError('USAGE', { message: '--all and the service names cannot be combined' });
    await using client = await connectToStop(context);
    using interrupts = new Interrupts(context.io, ['SIGINT'], { note: STOP_GOES_ON });
    const receipts = await stopEverything(context, client, { ...wish, signal: interrupts.signal });
    if (receipts.length === 0) say(context, 'reeve knows no project: nothing to stop');
    return showReceipts(context, receipts);
  }
  const target = await findProject(context);
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: STOP_GOES_ON });
  if (services.length > 0 && client && !context.json) await tellDependants(context, client, target, services);
  return showReceipt(context, await stopAllOf(context, target, { ...wish, client, signal: interrupts.signal }));
}
