import type { Calls, Progress, Receipt, Requester } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { selectWhole } from '../../supervisor/intents/selection.ts';
import { type Supervisor, unknownProject } from '../../supervisor/supervisor.ts';
import { cleanUpsOf, runCleanUps } from '../clean-up/config-clean-ups.ts';
import { removeGuard } from '../project/guard-file.ts';
import { forgetProject, purgeForgotten } from '../project/remove-project.ts';
import { inHand, ranOf, withCleanUps } from './receipt.ts';
import { stopProject } from './stop-project.ts';

interface StopCall {
  readonly requester: Requester;
  readonly push?: (progress: Progress) => void;
}

/** `stop`: ends the named services, then runs the clean-ups of those that ran. */
export async function stopServices(
  supervisor: Supervisor,
  { project: ref, services, timeout, force }: Omit<Calls['stop']['params'], 'actor'>,
  { requester, push }: StopCall,
): Promise<Receipt> {
  const project = supervisor.find(ref);
  const names = selectWhole(project, services);
  const cleanUps = cleanUpsOf(supervisor, project);
  const progress = push ? { onProgress: push } : {};
  const options = { timeout, force, actor: requester, action: 'stop', ...progress };
  const receipt = await stopProject(supervisor, project, names, options);
  return withCleanUps(receipt, await runCleanUps(ranOf(receipt, cleanUps)));
}

/** `cleanup`: stops all of the project, then runs every clean-up, also of services that did not run. */
export async function cleanUpProject(
  supervisor: Supervisor,
  { project: ref, timeout, force }: Calls['cleanup']['params'],
  { requester }: StopCall,
): Promise<Receipt> {
  const project = supervisor.find(ref);
  const cleanUps = cleanUpsOf(supervisor, project);
  const options = { timeout, force, actor: requester, action: 'cleanup' };
  const receipt = await stopProject(supervisor, project, [...project.services.keys()], options);
  return withCleanUps(receipt, await runCleanUps(inHand(receipt, cleanUps)));
}

/** `down`: stops all of the project and forgets it, unless something is left or a newer command has started it. */
export async function takeDown(
  supervisor: Supervisor,
  paths: HomePaths,
  { project: ref, purge, timeout }: Calls['down']['params'],
  { requester, push }: StopCall,
): Promise<Receipt> {
  const project = supervisor.findIfKnown(ref);
  const purged = project === null && purge ? await purgeForgotten(supervisor, ref) : null;
  if (purged) return purged;
  if (!project) throw unknownProject(ref);
  const cleanUps = cleanUpsOf(supervisor, project);
  const progress = push ? { onProgress: push } : {};
  const options = { timeout, force: false, actor: requester, action: 'down', ...progress };
  const receipt = await stopProject(supervisor, project, [...project.services.keys()], options);
  if (receipt.status === 'COMPLETE' && !receipt.taken_over) {
    await forgetProject(supervisor, project, purge);
    removeGuard(paths, project.row.folder);
  }
  return withCleanUps(receipt, await runCleanUps(ranOf(receipt, cleanUps)));
}
