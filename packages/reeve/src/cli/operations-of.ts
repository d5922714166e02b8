import { ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { offlineOperations } from '../operations/offline.ts';
import type { OfflineVerb, Operations } from '../operations/operation-types.ts';
import { callerOf } from './caller.ts';
import type { Context } from './context.ts';
import { longCall } from './daemon/long-call.ts';
import { connectToRead, isLost } from './daemon/reach-daemon.ts';
import { worldHere } from './home-look.ts';
import { connectToStop, stopServices } from './stop-services.ts';

type Reached = Pick<Operations, OfflineVerb>;

/** Uses the operations of the daemon where one answers, else the same ones over what can be seen without it. */
export async function withOperations<T>(context: Context, use: (operations: Reached) => Promise<T>): Promise<T> {
  const here = operationsHere(context);
  await using reading = await connectToRead(context);
  if (reading.client === null) return await use(here);
  try {
    return await use(operationsOf(reading.client));
  } catch (error) {
    // It has ended in the middle, or is of a version that does not know the call.
    if (isLost(error) || isUnknownCall(error)) return await use(here);
    throw error;
  }
}

/** For a stop: the daemon's where `client` is one, else of what was started manually. */
export function operationsTo(context: Context, client: ReeveClient | null): Reached {
  return client ? operationsOf(client) : operationsHere(context);
}

function operationsOf(client: ReeveClient): Reached {
  return {
    hunt: (params) => client.call('hunt', params),
    kill: (params, { push, signal }) => longCall(client, 'kill', params, { onPush: push, signal }),
    stop: (params, { push, signal }) => longCall(client, 'stop', params, { onPush: push, signal }),
    stopAll: (params, { signal }) => longCall(client, 'stopAll', params, { signal }),
    down: (params, { push, signal }) => longCall(client, 'down', params, { onPush: push, signal }),
  };
}

function operationsHere(context: Context): Reached {
  return offlineOperations({
    world: () => worldHere(context),
    caller: callerOf(context),
    stop: async (stops, timeout) => {
      await using client = await connectToStop(context);
      if (!client) return [];
      const operations = operationsOf(client);
      const wish = { call: 'stop', timeout, force: false, purge: false } as const;
      return await Promise.all(
        stops.map(({ folder, services }) => stopServices(context, operations, { folder }, { ...wish, services })),
      );
    },
  });
}

function isUnknownCall(error: unknown): boolean {
  return error instanceof ReeveError && error.code === 'USAGE' && error.message.startsWith('unknown call ');
}
