import { type Channels, ReeveError } from '@reeve/contract';
import type { Resolved } from '../dependencies.ts';
import type { Actor } from '../instance-handle.ts';

/** How a run is to be able to speak to us, and the variables that tell it so. */
export interface WantedChannels {
  readonly channels: Channels;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Every run gets a notify socket where there can be one; a readiness descriptor and a Node channel only where they are
 * asked for. `WATCHDOG_PID` is left out: it would tell whatever a shell or `npm run` starts that no watchdog watches it.
 * Throws SPAWN_FAILED for a service that must notify where it cannot.
 */
export async function channelsOf(
  instance: Actor,
  { ready, health }: Pick<Resolved, 'ready' | 'health'>,
  run: { readonly run: string; readonly isOtherUser: boolean },
): Promise<WantedChannels> {
  const { deps } = instance.host;
  const { noSockets } = await deps.starter();
  const watchdog = health?.check.kind === 'watchdog' ? health.check.timeout : null;
  if (noSockets !== null && (ready?.kind === 'notify' || watchdog !== null)) refuse(instance, noSockets);
  const notify = noSockets === null ? deps.notifySocket({ id: instance.id, ...run }) : null;
  return {
    channels: {
      notify,
      ready_fd: ready?.kind === 'fd' ? ready.fd : null,
      ipc: ready?.kind === 'ipc',
      listen: [],
    },
    env: {
      ...(notify === null ? {} : { NOTIFY_SOCKET: notify }),
      ...(watchdog === null ? {} : { WATCHDOG_USEC: String(Math.round(watchdog * 1000)) }),
    },
  };
}

function refuse({ spec }: Actor, why: string): never {
  throw new ReeveError('SPAWN_FAILED', {
    command: spec.command.text,
    why: `it is to notify (sd_notify), and no socket can be made for it here: ${why}`,
    hint: 'install the optional package koffi, or declare `ready` and `health` by { log }, { http }, { tcp } or { command }',
  });
}
