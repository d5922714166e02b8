import { ReeveError } from '@reeve/contract';
import { ask } from '../caller.ts';
import { durationOption, selection } from '../command-line/read-options.ts';
import { type Context, has, say } from '../context.ts';
import { Interrupts, STOP_GOES_ON } from '../interrupts.ts';
import { operationsTo } from '../operations-of.ts';
import { actor } from '../project/actor.ts';
import { findProject } from '../project/find-project.ts';
import { tellDependants } from '../show/tell-dependants.ts';
import { connectToStop, showReceipt, showReceipts, stopTarget } from '../stop-services.ts';

export async function run(context: Context): Promise<number> {
  const services = selection(context.args.positionals);
  if (has(context, 'all')) {
    if (services.length > 0)
      throw new ReeveError('USAGE', { message: '--all and the service names cannot be combined' });
    return stopAll(context);
  }
  const target = await findProject(context);
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: STOP_GOES_ON });
  if (services.length > 0 && client && !context.json) await tellDependants(context, client, target, services);
  const wish = { services, call: 'stop', purge: false, signal: interrupts.signal, ...limits(context) } as const;
  return showReceipt(context, await stopTarget(context, operationsTo(context, client), target, wish));
}

async function stopAll(context: Context): Promise<number> {
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: STOP_GOES_ON });
  const params = { ...limits(context), actor: actor() };
  const { receipts } = await operationsTo(context, client).stopAll(params, ask(undefined, interrupts.signal));
  if (receipts.length === 0) say(context, 'reeve knows no project: nothing to stop');
  return showReceipts(context, receipts);
}

function limits(context: Context) {
  return { timeout: durationOption(context, 'timeout'), force: has(context, 'force') };
}
