import type { ShownState } from '@reeve/contract';
import type { Instant } from '../../base/instant.ts';
import { mayBeAlive } from '../lifecycle/table.ts';
import type { State, StateNamed } from '../lifecycle/types.ts';
import { shownState } from '../view.ts';
import { dependantsInTheWay, type Outlook } from './conditions.ts';

/** The progress of a service that is to stop, for the clients that wait. Null: there is no such service. */
export function stopProgress(
  outlook: Outlook,
  name: string,
  now: Instant,
): { readonly state: ShownState; readonly reason: string | null } | null {
  const service = outlook.world.get(name);
  if (!service) return null;
  const states = service.instances.map(({ machine }) => machine.state);
  const state = states.find(mayBeAlive) ?? states[0];
  if (!state) return null;
  if (state.name === 'stopping') return { state: 'stopping', reason: howFar(state, now) };
  const waits = mayBeAlive(state) && service.want === 'down' ? dependantsInTheWay(outlook, service) : [];
  const reason = waits.length > 0 ? `waiting for ${waits.join(', ')} to exit` : failureOf(state);
  return { state: shownState(state.name), reason };
}

function howFar(state: StateNamed<'stopping'>, now: Instant): string {
  const left = Math.max(0, Math.ceil((state.killAt - now) / 1000));
  switch (state.phase) {
    case 'hook':
      return 'running its stop command';
    case 'hooked':
      return `its stop command has finished, waiting for it to exit; SIGKILL in ${left}s`;
    case 'main':
    case 'rest':
      return `stop signal sent; SIGKILL in ${left}s`;
    case 'kill':
      return 'SIGKILL sent';
    case 'reap':
      return 'exited; exit status not known yet';
  }
}

function failureOf(state: State): string | null {
  return state.name === 'failed' && state.run !== null ? state.failure.message : null;
}
