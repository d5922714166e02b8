import { ReeveError } from '@reeve/contract';
import { unregister } from '../../operations/project/registrations.ts';
import { announcedOf } from '../announced-here.ts';
import { type Context, optionValue, printJson } from '../context.ts';
import { findProject, refOf } from '../project/find-project.ts';

export async function run(context: Context): Promise<number> {
  const name = context.args.positionals[0] ?? optionValue(context, 'name');
  if (name === null)
    throw new ReeveError('USAGE', { message: 'unregister needs a name', hint: 'reeve unregister nightly' });
  const target = await findProject(context);
  const found = announcedOf(context, target).find(({ card }) => card.service.toLowerCase() === name.toLowerCase());
  if (!found) {
    const { folder, name: project } = refOf(target);
    throw new ReeveError('NOTHING_FOUND', {
      message: `nothing is registered as ${name} in ${project ?? folder}`,
      hint: 'reeve advertisements lists what is',
    });
  }
  const { service, project, pid } = found.card;
  // It holds its name itself, and would announce itself again.
  if (!unregister(found)) throw new ReeveError('ALREADY_RUNNING', { name: service, project, pid });
  if (context.json) printJson(context, { registrations: [{ name: service, project, pid: pid > 1 ? pid : null }] });
  else context.io.out.write(`${service} of ${project} is no longer registered; its process was not touched\n`);
  return 0;
}
