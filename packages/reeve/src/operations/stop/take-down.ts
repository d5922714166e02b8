import type { Calls, ProjectRef, Receipt } from '@reeve/contract';
import type { Project } from '../../supervisor/project.ts';
import { type Supervisor, unknownProject } from '../../supervisor/supervisor.ts';
import { cleanUpsOf, runCleanUps } from '../clean-up/config-clean-ups.ts';
import { removeGuard } from '../project/guard-file.ts';
import { forgetProject, purgeForgotten } from '../project/remove-project.ts';
import { announcedIn } from '../read/announced.ts';
import { endManual, withEnded } from './end-manual.ts';
import { ranOf, withCleanUps } from './receipt.ts';
import { forgetCards, runningManually } from './started-manually.ts';
import { stopProject } from './stop-project.ts';
import type { StopCall } from './stop-services.ts';
import { supervisedBy } from './supervised-by.ts';

type DownWish = Pick<Calls['down']['params'], 'purge' | 'timeout'>;

/**
 * `down`: stops all of the project, also what was started manually, and forgets it, unless something is left or a newer
 * command has started it.
 */
export async function takeDown(
  supervisor: Supervisor,
  { project: ref, purge, timeout }: Calls['down']['params'],
  call: StopCall,
): Promise<Receipt> {
  const { caller } = call;
  const announced = announcedIn(caller.paths, ref);
  const manual = runningManually(caller, announced, [], supervisedBy(supervisor));
  const [managed, ended] = await Promise.all([
    takeManagedDown(supervisor, ref, { purge, timeout }, call),
    endManual(caller, manual, { timeout, force: false, cleanUp: false }),
  ]);
  const name = managed?.project ?? announced[0]?.card.project;
  if (name === undefined) throw unknownProject(ref);
  const receipt = managed && ended.length === 0 ? managed : withEnded(managed, name, ended);
  if (receipt.status === 'COMPLETE') forgetCards(announced);
  return receipt;
}

/** Null: reeve does not know the project, and keeps nothing of it that is to be purged. */
async function takeManagedDown(
  supervisor: Supervisor,
  ref: ProjectRef,
  { purge, timeout }: DownWish,
  call: StopCall,
): Promise<Receipt | null> {
  const project = supervisor.findIfKnown(ref);
  if (!project) return purge ? purgeForgotten(supervisor, ref) : null;
  const cleanUps = cleanUpsOf(supervisor, project);
  const receipt = await stopAndForget(supervisor, project, { purge, timeout }, call);
  return withCleanUps(receipt, await runCleanUps(ranOf(receipt, cleanUps)));
}

async function stopAndForget(
  supervisor: Supervisor,
  project: Project,
  { purge, timeout }: DownWish,
  { requester, caller, push }: StopCall,
): Promise<Receipt> {
  const progress = push ? { onProgress: push } : {};
  const options = { timeout, force: false, actor: requester, action: 'down', ...progress };
  const receipt = await stopProject(supervisor, project, [...project.services.keys()], options);
  if (receipt.status !== 'COMPLETE' || receipt.taken_over) return receipt;
  await forgetProject(supervisor, project, purge);
  removeGuard(caller.paths, project.row.folder);
  return receipt;
}
