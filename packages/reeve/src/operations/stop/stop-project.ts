import { type Progress, type Receipt, ReeveError, type Requester } from '@reeve/contract';
import { stop } from '../../supervisor/intents/intents.ts';
import type { Project } from '../../supervisor/project.ts';
import { stopAndProve } from '../../supervisor/stopping.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';

/** How long an intent that could not be written is tried again before the command is answered. Milliseconds. */
const WRITE_LIMIT = 3_000;

interface StopOptions {
  /** Milliseconds; null: what the services declare. */
  readonly timeout: number | null;
  readonly force: boolean;
  readonly actor: Requester;
  /** The command, for the history: `stop`, `down`, … */
  readonly action: string;
  readonly onProgress?: (progress: Progress) => void;
}

/** Wants services down and waits until they are gone. */
export async function stopProject(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  options: StopOptions,
): Promise<Receipt> {
  const unwritten = stop(supervisor, project, names, options.actor, options.action);
  const receipt = await stopAndProve(supervisor, { project, names, ...options });
  if (unwritten !== null && receipt.status === 'COMPLETE') await proveWritten(supervisor, names, unwritten);
  return receipt;
}

/** What the next daemon would not know of is not done. */
async function proveWritten(supervisor: Supervisor, names: readonly string[], why: ReeveError): Promise<void> {
  if (await supervisor.outbox.caughtUp(WRITE_LIMIT)) return;
  throw new ReeveError('NOT_WRITTEN_DOWN', { names: names.join(', '), why: why.message });
}

/** Every project at the same time. */
export async function stopEverything(supervisor: Supervisor, actor: Requester): Promise<Receipt[]> {
  const projects = [...supervisor.projects.values()];
  const options = { timeout: null, force: false, actor, action: 'daemon stop --with-services' };
  return Promise.all(projects.map((p) => stopProject(supervisor, p, [...p.services.keys()], options)));
}
