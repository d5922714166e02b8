import { durationOption } from '../command-line/read-options.ts';
import { type Context, has } from '../context.ts';
import { Interrupts } from '../interrupts.ts';
import { findProject } from '../project/find-project.ts';
import { connectToStop, showReceipt } from '../stop-services.ts';
import { stopAllOf } from '../stop-with-announced.ts';

export async function run(context: Context): Promise<number> {
  const target = await findProject(context);
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT']);
  const receipt = await stopAllOf(context, target, {
    client,
    services: [],
    call: 'down',
    timeout: durationOption(context, 'timeout'),
    force: false,
    purge: has(context, 'purge'),
    signal: interrupts.signal,
  });
  return showReceipt(context, receipt);
}
