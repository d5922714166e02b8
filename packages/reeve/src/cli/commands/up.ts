import { ReeveError } from '@reeve/contract';
import { selection } from '../command-line/read-options.ts';
import { type Context, has } from '../context.ts';
import { dryRun } from '../dry-run.ts';
import { Interrupts, START_GOES_ON } from '../interrupts.ts';
import { findProject } from '../project/find-project.ts';
import { loadProject } from '../project/load-project.ts';
import { upAttached } from '../starting/attach.ts';
import { bringUp } from '../starting/bring-up.ts';

export async function run(context: Context): Promise<number> {
  refuseContradictions(context);
  const services = selection(context.args.positionals);
  const loaded = await loadProject(context, await findProject(context));
  if (has(context, 'dry-run')) {
    return dryRun(context, loaded, services);
  }
  if (wantsAttached(context)) {
    return upAttached(context, loaded, services);
  }
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: START_GOES_ON });
  return await bringUp(context, { loaded, services, signal: interrupts.signal });
}

function refuseContradictions(context: Context): void {
  for (const [one, other] of [
    ['detach', 'attach'],
    ['wait', 'no-wait'],
    ['attach', 'no-wait'],
    ['attach', 'dry-run'],
  ] as const) {
    if (!has(context, one) || !has(context, other)) continue;
    throw new ReeveError('USAGE', { message: `--${one} and --${other} cannot be combined`, hint: 'reeve help up' });
  }
}

function wantsAttached(context: Context): boolean {
  if (has(context, 'attach')) return true;
  return context.style.rich && !context.json && !has(context, 'detach') && !has(context, 'no-wait');
}
