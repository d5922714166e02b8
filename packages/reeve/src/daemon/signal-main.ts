import { constants } from 'node:os';
import { type Actor, ReeveError } from '@reeve/contract';
import { describeActor } from '../supervisor/audit.ts';
import { indexOf, selectServices } from '../supervisor/intents/selection.ts';
import type { Project } from '../supervisor/project.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/**
 * Sends a signal to the main process of an instance, and nobody else; what follows from it is told to follow from it.
 * Returns its pid. Throws NOT_RUNNING, NOT_PERMITTED, or USAGE for a signal that does not exist.
 */
export function signalMain(
  supervisor: Supervisor,
  project: Project,
  selector: string,
  signal: string,
  actor: Actor,
): number {
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
  const { registry, clock } = supervisor.deps;
  instance.signalled = instance.tell(
    'service.signalled',
    `${wanted} sent to pid ${main.pid}`,
    { signal: wanted },
    null,
  );
  const row = {
    at: clock.now(),
    actor: describeActor(actor),
    action: `signal ${wanted}`,
    target: `${project.row.name}: ${selector}`,
    reason: null,
    outcome: 'done',
  };
  // Written with the event, in one transaction of this turn.
  supervisor.outbox.row(`audit ${row.action} ${row.target} ${clock.monotonic()}`, () => registry.audit.append(row));
  return main.pid;
}
