import { type Calls, type Progress, type Receipt, ReeveError, type Requester } from '@reeve/contract';
import type { Announced } from '../../core/announced/announced.ts';
import { selectWhole } from '../../supervisor/intents/selection.ts';
import type { Project } from '../../supervisor/project.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { cleanUpsOf, runCleanUps } from '../clean-up/config-clean-ups.ts';
import { announcedIn } from '../read/announced.ts';
import { type Caller, endManual, withEnded } from './end-manual.ts';
import { inHand, ranOf, withCleanUps } from './receipt.ts';
import { runningManually, wordsBeside } from './started-manually.ts';
import { stopAllManual, stopManual } from './stop-manual.ts';
import { stopProject } from './stop-project.ts';
import { supervisedBy } from './supervised-by.ts';

export interface StopCall {
  readonly requester: Requester;
  readonly caller: Caller;
  readonly push?: (progress: Progress) => void;
}
type StopWish = Pick<Calls['stop']['params'], 'timeout' | 'force'>;

/** `stop`: ends the named services, also those that were started manually, then runs the clean-ups of those that ran. */
export async function stopServices(
  supervisor: Supervisor,
  { project: ref, services, timeout, force }: Omit<Calls['stop']['params'], 'actor'>,
  call: StopCall,
): Promise<Receipt> {
  const { caller } = call;
  const wish = { timeout, force };
  const supervises = supervisedBy(supervisor);
  const project = supervisor.findIfKnown(ref);
  if (!project) return stopManual(caller, ref, services, wish, supervises);
  const announced = announcedIn(caller.paths, ref);
  const names = managedNames(project, services, announced);
  const manual = runningManually(caller, announced, services, supervises);
  const [receipt, ended] = await Promise.all([
    names === null ? null : stopManaged(supervisor, project, names, wish, call),
    endManual(caller, manual, { ...wish, cleanUp: false }),
  ]);
  return receipt && ended.length === 0 ? receipt : withEnded(receipt, project.row.name, ended);
}

/** `stop --all`: every project of the home, and everything that was started manually, all at once. */
export function stopHome(
  supervisor: Supervisor,
  { timeout, force }: StopWish,
  call: StopCall,
): Promise<readonly Receipt[]> {
  const wish = { timeout, force };
  const managed = [...supervisor.projects.values()].map((project) =>
    stopManaged(supervisor, project, [...project.services.keys()], wish, call),
  );
  return stopAllManual(call.caller, wish, Promise.all(managed), supervisedBy(supervisor));
}

/** `cleanup`: stops all of the project, then runs every clean-up, also of services that did not run. */
export async function cleanUpProject(
  supervisor: Supervisor,
  { project: ref, timeout, force }: Calls['cleanup']['params'],
  { requester }: Pick<StopCall, 'requester'>,
): Promise<Receipt> {
  const project = supervisor.find(ref);
  const cleanUps = cleanUpsOf(supervisor, project);
  const options = { timeout, force, actor: requester, action: 'cleanup' };
  const receipt = await stopProject(supervisor, project, [...project.services.keys()], options);
  return withCleanUps(receipt, await runCleanUps(inHand(receipt, cleanUps)));
}

/** What reeve runs, with the clean-ups of what ran. */
async function stopManaged(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  wish: StopWish,
  { requester, push }: StopCall,
): Promise<Receipt> {
  const cleanUps = cleanUpsOf(supervisor, project);
  const progress = push ? { onProgress: push } : {};
  const options = { ...wish, actor: requester, action: 'stop', ...progress };
  const receipt = await stopProject(supervisor, project, names, options);
  return withCleanUps(receipt, await runCleanUps(ranOf(receipt, cleanUps)));
}

/** The services that reeve runs among the words; null: all words mean services that were started manually. */
function managedNames(
  project: Project,
  words: readonly string[],
  announced: readonly Announced[],
): readonly string[] | null {
  try {
    return selectWhole(project, words);
  } catch (error) {
    const rest = wordsBeside(words, announced);
    if (!(error instanceof ReeveError) || error.code !== 'SERVICE_UNKNOWN' || rest.length === words.length) throw error;
    return rest.length === 0 ? null : selectWhole(project, rest);
  }
}
