import { type Receipt, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type Context, has, say } from '../context.ts';
import { findProject } from '../find-project.ts';
import { Interrupts } from '../interrupts.ts';
import { durationOption, selection } from '../read-options.ts';
import { connectToStop, showReceipt, showReceipts, stopServices, stopTarget } from '../stop-services.ts';

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
      throw new ReeveError('USAGE', { message: '--all and the names of services contradict each other' });
    await using client = await connectToStop(context);
    const receipts = client ? await stopAll(context, client, wish) : [];
    if (receipts.length === 0) say(context, 'reeve knows no project: nothing to stop');
    return showReceipts(context, receipts);
  }
  const target = await findProject(context);
  await using client = await connectToStop(context);
  using interrupts = new Interrupts(context.io, ['SIGINT']);
  return showReceipt(context, await stopTarget(context, target, { ...wish, client, signal: interrupts.signal }));
}

type AllWish = Omit<Parameters<typeof stopServices>[1], 'client' | 'project'>;

/** Every project at once: a slow one holds up no other. */
async function stopAll(context: Context, client: ReeveClient, wish: AllWish): Promise<readonly Receipt[]> {
  const { projects } = await client.call('ps', { project: null });
  using interrupts = new Interrupts(context.io, ['SIGINT']);
  const { signal } = interrupts;
  // Progress of several at once would write over each other.
  const quiet: Context = { ...context, talk: { ...context.talk, rich: false } };
  return await Promise.all(
    projects.map(({ project: name }) => stopServices(quiet, { ...wish, client, project: { name }, signal })),
  );
}
