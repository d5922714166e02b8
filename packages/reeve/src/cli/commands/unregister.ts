import { ReeveError } from '@reeve/contract';
import { removeRegistration } from '../../announcements/registration.ts';
import { removeCard } from '../../announcements/remove-card.ts';
import type { Announced } from '../../core/announced/announced.ts';
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
  forget(found);
  const { service, project, pid } = found.card;
  if (context.json) printJson(context, { registrations: [{ name: service, project, pid: pid > 1 ? pid : null }] });
  else context.io.out.write(`${service} of ${project} is no longer registered; its process was not touched\n`);
  return 0;
}

/** Throws ALREADY_RUNNING for a service that holds its name itself: it would say so again. */
function forget({ card, origin, file }: Announced): void {
  if (origin !== 'library') {
    removeRegistration(file);
    return;
  }
  if (removeCard(file)) return;
  const { service, project, pid } = card;
  throw new ReeveError('ALREADY_RUNNING', { name: service, project, pid });
}
