import { constants } from 'node:os';
import { ReeveError } from '@reeve/contract';
import { indexOf, selectServices } from '../../supervisor/intents/selection.ts';
import type { Project } from '../../supervisor/project.ts';

/**
 * Sends a signal to the main process of an instance, and no other; events that follow name it as their cause.
 * Returns its pid. Throws NOT_RUNNING, NOT_PERMITTED, or USAGE for a signal that does not exist.
 */
export function signalMain(project: Project, selector: string, signal: string): number {
  const [name = selector] = selectServices(project, [selector]);
  const index = indexOf(selector) ?? 0;
  const instance = project.service(name).instances[index];
  const main = instance?.mainProcess();
  if (!instance?.live || !main) throw new ReeveError('NOT_RUNNING', { name: selector });
  const wanted = signal.toUpperCase().startsWith('SIG') ? signal.toUpperCase() : `SIG${signal.toUpperCase()}`;
  if (!(wanted in constants.signals))
    throw new ReeveError('USAGE', {
      message: `unknown signal "${signal}"`,
      hint: 'for example HUP, USR1, TERM, KILL',
    });
  const refusal = instance.live.processes.signalMain(wanted);
  if (refusal !== null)
    throw new ReeveError('NOT_PERMITTED', { message: `${wanted} was not sent to pid ${main.pid}: ${refusal}` });
  instance.signalled = instance.tell(
    'service.signalled',
    `${wanted} sent to pid ${main.pid}`,
    { signal: wanted },
    null,
  );
  return main.pid;
}
